// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=spread}' --verify-each | filecheck %s

// Spread: weights of different stages share arrays; tiles of one stage lie in different ones, or beside each other.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<[[[1, 1], [1, 1]], [[2, 2], [2, 2]], [[3, 3], [3, 3]], [[4, 4], [4, 4]]]> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch">
  cim.weight @second = dense<[[[5, 5], [5, 5]], [[6, 6], [6, 6]], [[7, 7], [7, 7]], [[8, 8], [8, 8]]]> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch">
  cim.weight @middle = dense<[0, 2, 4, 6, 1, 3, 5, 7]> : tensor<8xi64>
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: %a = array.multiply %x by @first {
    // CHECK-NEXT:        tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 2 to 3, columns 2 to 3 in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 2: rows 4 to 5, columns 4 to 5 in array 0 at row 0, column 2
    // CHECK-NEXT:        tile 3: rows 6 to 7, columns 6 to 7 in array 1 at row 0, column 2
    %a = array.multiply %x by @first {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
      tile 2: rows 4 to 5, columns 4 to 5
      tile 3: rows 6 to 7, columns 6 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    %p = cim.permute %a, @middle : tensor<?x8xi32> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: %b = array.multiply %q by @second {
    // CHECK-NEXT:        tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 2, column 0
    // CHECK-NEXT:        tile 1: rows 2 to 3, columns 2 to 3 in array 1 at row 2, column 0
    // CHECK-NEXT:        tile 2: rows 4 to 5, columns 4 to 5 in array 0 at row 2, column 2
    // CHECK-NEXT:        tile 3: rows 6 to 7, columns 6 to 7 in array 1 at row 2, column 2
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

// Three tiles of 3x3 leave a column each: the fourth is cut into columns, which costs nothing.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<[[[1, 1, 1], [1, 1, 1], [1, 1, 1]], [[2, 2, 2], [2, 2, 2], [2, 2, 2]], [[3, 3, 3], [3, 3, 3], [3, 3, 3]], [[4, 4, 4], [4, 4, 4], [4, 4, 4]]]> : tensor<4x3x3xi8> structure #cim.block_diagonal<4 blocks of 3x3, "block_diagonal">
  func.func @main(%x: tensor<?x12xui8>) -> tensor<?x12xi32> {
    // CHECK: %a = array.multiply %x by @w {
    // CHECK-NEXT:        tile 0: rows 0 to 2, columns 0 to 2 in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 3 to 5, columns 3 to 5 in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 2: rows 6 to 8, columns 6 to 8 in array 2 at row 0, column 0
    // CHECK-NEXT:        tile 3: rows 9 to 11, columns 9 to 9 in array 0 at row 0, column 3
    // CHECK-NEXT:        tile 4: rows 9 to 11, columns 10 to 10 in array 1 at row 0, column 3
    // CHECK-NEXT:        tile 5: rows 9 to 11, columns 11 to 11 in array 2 at row 0, column 3
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 2, columns 0 to 2
      tile 1: rows 3 to 5, columns 3 to 5
      tile 2: rows 6 to 8, columns 6 to 8
      tile 3: rows 9 to 11, columns 9 to 11
    } : tensor<?x12xui8> -> tensor<?x12xi32>
    func.return %a : tensor<?x12xi32>
  }
}

// -----

// Tiles of 3x4 leave a row each: the fourth is cut into rows, which costs additions but saves an array.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<[[[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]], [[2, 2, 2, 2], [2, 2, 2, 2], [2, 2, 2, 2]], [[3, 3, 3, 3], [3, 3, 3, 3], [3, 3, 3, 3]], [[4, 4, 4, 4], [4, 4, 4, 4], [4, 4, 4, 4]]]> : tensor<4x3x4xi8> structure #cim.block_diagonal<4 blocks of 3x4, "block_diagonal">
  func.func @main(%x: tensor<?x12xui8>) -> tensor<?x16xi32> {
    // CHECK: %a = array.multiply %x by @w {
    // CHECK-NEXT:        tile 0: rows 0 to 2, columns 0 to 3 in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 3 to 5, columns 4 to 7 in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 2: rows 6 to 6, columns 8 to 11 in array 0 at row 3, column 0
    // CHECK-NEXT:        tile 3: rows 7 to 8, columns 8 to 11 in array 2 at row 0, column 0
    // CHECK-NEXT:        tile 4: rows 9 to 9, columns 12 to 15 in array 1 at row 3, column 0
    // CHECK-NEXT:        tile 5: rows 10 to 11, columns 12 to 15 in array 2 at row 2, column 0
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 2, columns 0 to 3
      tile 1: rows 3 to 5, columns 4 to 7
      tile 2: rows 6 to 8, columns 8 to 11
      tile 3: rows 9 to 11, columns 12 to 15
    } : tensor<?x12xui8> -> tensor<?x16xi32>
    func.return %a : tensor<?x16xi32>
  }
}

// -----

// Tiles that read the same rows are dealt over two arrays in equal parts; a weight of another stage shares their arrays.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  cim.weight @v = dense<2> : tensor<6x2xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x2xi32> {
    // CHECK: %a = array.multiply %x by @w {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 2 in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 0 to 3, columns 3 to 3 in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 2: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 1
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x6xi32>) -> tensor<?x6xui8>
    // CHECK: %b = array.multiply %q by @v {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 1 in array 2 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 4 to 5, columns 0 to 0 in array 0 at row 0, column 3
    // CHECK-NEXT:        tile 2: rows 4 to 5, columns 1 to 1 in array 1 at row 0, column 3
    %b = array.multiply %q by @v {
      tile 0: rows 0 to 3, columns 0 to 1
      tile 1: rows 4 to 5, columns 0 to 1
    } : tensor<?x6xui8> -> tensor<?x2xi32>
    func.return %b : tensor<?x2xi32>
  }
}

// -----

// A network without multiplications needs no array.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1>} {
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    // CHECK: %y = cim.digital "Relu"(%x)
    %y = cim.digital "Relu"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    func.return %y : tensor<?x4xf32>
  }
}
