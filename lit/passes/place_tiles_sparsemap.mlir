// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=sparsemap}' --verify-each | filecheck %s

// Sparsemap: as many blocks as fit down the diagonal of an array, nothing else in it.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "monarch">
  cim.weight @second = dense<2> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "monarch">
  cim.weight @middle = dense<[0, 2, 4, 6, 1, 3, 5, 7]> : tensor<8xi64>
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: %a = array.multiply %x, @first {{.*}} at <[[0, 0, 0], [0, 2, 2], [1, 0, 0], [1, 2, 2]]>
    %a = array.multiply %x, @first tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    %p = cim.permute %a, @middle : tensor<?x8xi32> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: %b = array.multiply %q, @second {{.*}} at <[[2, 0, 0], [2, 2, 2], [3, 0, 0], [3, 2, 2]]>
    %b = array.multiply %q, @second tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %b : tensor<?x8xi32>
  }
}

// -----

// A dense weight has one tile an array.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x6xi32> {
    // CHECK: %a = array.multiply %x, @w {{.*}} at <[[0, 0, 0], [1, 0, 0]]>
    %a = array.multiply %x, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> : tensor<?x4xui8> -> tensor<?x6xi32>
    func.return %a : tensor<?x6xi32>
  }
}
