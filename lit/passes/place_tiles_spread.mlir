// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=spread}' --verify-each | filecheck %s

// Spread: weights of different stages share arrays; tiles of one stage lie in different ones, or beside each other.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "monarch">
  cim.weight @second = dense<2> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "monarch">
  cim.weight @middle = dense<[0, 2, 4, 6, 1, 3, 5, 7]> : tensor<8xi64>
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    // CHECK: %a = array.multiply %x, @first tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> at <[[0, 0, 0], [1, 0, 0], [0, 0, 2], [1, 0, 2]]>
    %a = array.multiply %x, @first tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    %p = cim.permute %a, @middle : tensor<?x8xi32> -> tensor<?x8xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x8xi32>) -> tensor<?x8xui8>
    // CHECK: %b = array.multiply %q, @second tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> at <[[0, 2, 0], [1, 2, 0], [0, 2, 2], [1, 2, 2]]>
    %b = array.multiply %q, @second tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %b : tensor<?x8xi32>
  }
}

// -----

// Three tiles of 3x3 leave a column each: the fourth is cut into columns, which costs nothing.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x3x3xi8> structure #cim.block_diagonal<4, 3x3, "block_diagonal">
  func.func @main(%x: tensor<?x12xui8>) -> tensor<?x12xi32> {
    // CHECK: %a = array.multiply %x, @w tiles <[[0, 0, 3, 3], [3, 3, 3, 3], [6, 6, 3, 3], [9, 9, 3, 1], [9, 10, 3, 1], [9, 11, 3, 1]]> at <[[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 3], [1, 0, 3], [2, 0, 3]]>
    %a = array.multiply %x, @w tiles <[[0, 0, 3, 3], [3, 3, 3, 3], [6, 6, 3, 3], [9, 9, 3, 3]]> : tensor<?x12xui8> -> tensor<?x12xi32>
    func.return %a : tensor<?x12xi32>
  }
}

// -----

// Tiles of 3x4 leave a row each: the fourth is cut into rows, which costs additions but saves an array.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x3x4xi8> structure #cim.block_diagonal<4, 3x4, "block_diagonal">
  func.func @main(%x: tensor<?x12xui8>) -> tensor<?x16xi32> {
    // CHECK: %a = array.multiply %x, @w tiles <[[0, 0, 3, 4], [3, 4, 3, 4], [6, 8, 1, 4], [7, 8, 2, 4], [9, 12, 1, 4], [10, 12, 2, 4]]> at <[[0, 0, 0], [1, 0, 0], [0, 3, 0], [2, 0, 0], [1, 3, 0], [2, 2, 0]]>
    %a = array.multiply %x, @w tiles <[[0, 0, 3, 4], [3, 4, 3, 4], [6, 8, 3, 4], [9, 12, 3, 4]]> : tensor<?x12xui8> -> tensor<?x16xi32>
    func.return %a : tensor<?x16xi32>
  }
}

// -----

// A dense weight's remainder and a weight of another stage share an array; whole tiles stay whole.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  cim.weight @v = dense<1> : tensor<6x2xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x2xi32> {
    // CHECK: %a = array.multiply %x, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> at <[[0, 0, 0], [1, 0, 0]]>
    %a = array.multiply %x, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> : tensor<?x4xui8> -> tensor<?x6xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x6xi32>) -> tensor<?x6xui8>
    // CHECK: %b = array.multiply %q, @v tiles <[[0, 0, 4, 2], [4, 0, 2, 2]]> at <[[1, 0, 2], [2, 0, 0]]>
    %b = array.multiply %q, @v tiles <[[0, 0, 4, 2], [4, 0, 2, 2]]> : tensor<?x6xui8> -> tensor<?x2xi32>
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
