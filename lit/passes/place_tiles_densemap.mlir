// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=densemap}' --verify-each | filecheck %s

// Densemap: the diagonals of a factor fill an array; factors share none. With g = 2, both diagonals are their own inverses.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "monarch">
  cim.weight @second = dense<2> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "monarch">
  cim.weight @middle = dense<[0, 2, 4, 6, 1, 3, 5, 7]> : tensor<8xi64>
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: %a = array.multiply %x, @first {{.*}} at <[[0, 0, 0], [0, 2, 2], [0, 0, 2], [0, 2, 0]]>
    %a = array.multiply %x, @first tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    %p = cim.permute %a, @middle : tensor<?x8xi32> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: %b = array.multiply %q, @second {{.*}} at <[[1, 0, 0], [1, 2, 2], [1, 0, 2], [1, 2, 0]]>
    %b = array.multiply %q, @second tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %b : tensor<?x8xi32>
  }
}

// -----

// Blocks of 1x1 in arrays of 4x4: diagonals 0 and 1 of the first factor, 0 and -1 of the second.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<8x1x1xi8> structure #cim.block_diagonal<8, 1x1, "monarch">
  cim.weight @second = dense<2> : tensor<8x1x1xi8> structure #cim.block_diagonal<8, 1x1, "monarch">
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: @first {{.*}} at <[[0, 0, 0], [0, 1, 1], [0, 2, 2], [0, 3, 3], [0, 0, 1], [0, 1, 2], [0, 2, 3], [0, 3, 0]]>
    %a = array.multiply %x, @first tiles <[[0, 0, 1, 1], [1, 1, 1, 1], [2, 2, 1, 1], [3, 3, 1, 1], [4, 4, 1, 1], [5, 5, 1, 1], [6, 6, 1, 1], [7, 7, 1, 1]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: @second {{.*}} at <[[1, 0, 0], [1, 1, 1], [1, 2, 2], [1, 3, 3], [1, 0, 3], [1, 1, 0], [1, 2, 1], [1, 3, 2]]>
    %b = array.multiply %q, @second tiles <[[0, 0, 1, 1], [1, 1, 1, 1], [2, 2, 1, 1], [3, 3, 1, 1], [4, 4, 1, 1], [5, 5, 1, 1], [6, 6, 1, 1], [7, 7, 1, 1]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %b : tensor<?x8xi32>
  }
}
