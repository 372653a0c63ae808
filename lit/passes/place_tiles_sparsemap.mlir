// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=sparsemap}' --verify-each | filecheck %s

// Sparsemap: as many blocks as fit down the diagonal of an array, nothing else in it.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch">
  cim.weight @second = dense<2> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch">
  cim.weight @middle = dense<[0, 2, 4, 6, 1, 3, 5, 7]> : tensor<8xi64>
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: %a = array.multiply %x by @first {
    // CHECK-NEXT:        tile 0: {{.*}} in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 0 at row 2, column 2
    // CHECK-NEXT:        tile 2: {{.*}} in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 3: {{.*}} in array 1 at row 2, column 2
    %a = array.multiply %x by @first {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
      tile 2: rows 4 to 5, columns 4 to 5
      tile 3: rows 6 to 7, columns 6 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    %p = cim.permute %a, @middle : tensor<?x8xi32> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: %b = array.multiply %q by @second {
    // CHECK-NEXT:        tile 0: {{.*}} in array 2 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 2 at row 2, column 2
    // CHECK-NEXT:        tile 2: {{.*}} in array 3 at row 0, column 0
    // CHECK-NEXT:        tile 3: {{.*}} in array 3 at row 2, column 2
    %b = array.multiply %q by @second {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
      tile 2: rows 4 to 5, columns 4 to 5
      tile 3: rows 6 to 7, columns 6 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %b : tensor<?x8xi32>
  }
}

// -----

// A dense weight has one tile an array.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x6xi32> {
    // CHECK: %a = array.multiply %x by @w {
    // CHECK-NEXT:        tile 0: {{.*}} in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 1 at row 0, column 0
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    func.return %a : tensor<?x6xi32>
  }
}
