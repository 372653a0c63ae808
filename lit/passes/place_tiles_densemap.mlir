// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=densemap}' --verify-each | filecheck %s

// Densemap: the diagonals of a factor lie in different arrays, with diagonals of its partner. With g = 2, both are their own inverses.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch">
  cim.weight @second = dense<2> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch">
  cim.weight @middle = dense<[0, 2, 4, 6, 1, 3, 5, 7]> : tensor<8xi64>
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: %a = array.multiply %x by @first {
    // CHECK-NEXT:        tile 0: {{.*}} in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 0 at row 2, column 2
    // CHECK-NEXT:        tile 2: {{.*}} in array 1 at row 0, column 2
    // CHECK-NEXT:        tile 3: {{.*}} in array 1 at row 2, column 0
    %a = array.multiply %x by @first {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
      tile 2: rows 4 to 5, columns 4 to 5
      tile 3: rows 6 to 7, columns 6 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    %p = cim.permute %a, @middle : tensor<?x8xi32> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: %b = array.multiply %q by @second {
    // CHECK-NEXT:        tile 0: {{.*}} in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 1 at row 2, column 2
    // CHECK-NEXT:        tile 2: {{.*}} in array 0 at row 0, column 2
    // CHECK-NEXT:        tile 3: {{.*}} in array 0 at row 2, column 0
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

// Blocks of 1x1 in arrays of 4x4: 2 of 4 diagonals, 0 and 2 of the first factor, 0 and -2 of the second.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<8x1x1xi8> structure #cim.block_diagonal<8 blocks of 1x1, "monarch">
  cim.weight @second = dense<2> : tensor<8x1x1xi8> structure #cim.block_diagonal<8 blocks of 1x1, "monarch">
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: @first {
    // CHECK-NEXT:        tile 0: {{.*}} in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 0 at row 1, column 1
    // CHECK-NEXT:        tile 2: {{.*}} in array 0 at row 2, column 2
    // CHECK-NEXT:        tile 3: {{.*}} in array 0 at row 3, column 3
    // CHECK-NEXT:        tile 4: {{.*}} in array 1 at row 0, column 2
    // CHECK-NEXT:        tile 5: {{.*}} in array 1 at row 1, column 3
    // CHECK-NEXT:        tile 6: {{.*}} in array 1 at row 2, column 0
    // CHECK-NEXT:        tile 7: {{.*}} in array 1 at row 3, column 1
    %a = array.multiply %x by @first {
      tile 0: rows 0 to 0, columns 0 to 0
      tile 1: rows 1 to 1, columns 1 to 1
      tile 2: rows 2 to 2, columns 2 to 2
      tile 3: rows 3 to 3, columns 3 to 3
      tile 4: rows 4 to 4, columns 4 to 4
      tile 5: rows 5 to 5, columns 5 to 5
      tile 6: rows 6 to 6, columns 6 to 6
      tile 7: rows 7 to 7, columns 7 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: @second {
    // CHECK-NEXT:        tile 0: {{.*}} in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 1: {{.*}} in array 1 at row 1, column 1
    // CHECK-NEXT:        tile 2: {{.*}} in array 1 at row 2, column 2
    // CHECK-NEXT:        tile 3: {{.*}} in array 1 at row 3, column 3
    // CHECK-NEXT:        tile 4: {{.*}} in array 0 at row 0, column 2
    // CHECK-NEXT:        tile 5: {{.*}} in array 0 at row 1, column 3
    // CHECK-NEXT:        tile 6: {{.*}} in array 0 at row 2, column 0
    // CHECK-NEXT:        tile 7: {{.*}} in array 0 at row 3, column 1
    %b = array.multiply %q by @second {
      tile 0: rows 0 to 0, columns 0 to 0
      tile 1: rows 1 to 1, columns 1 to 1
      tile 2: rows 2 to 2, columns 2 to 2
      tile 3: rows 3 to 3, columns 3 to 3
      tile 4: rows 4 to 4, columns 4 to 4
      tile 5: rows 5 to 5, columns 5 to 5
      tile 6: rows 6 to 6, columns 6 to 6
      tile 7: rows 7 to 7, columns 7 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %b : tensor<?x8xi32>
  }
}
