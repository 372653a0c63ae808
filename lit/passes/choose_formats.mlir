// RUN: cim-opt %s -p choose-formats --split-input-file | filecheck %s
// RUN: cim-opt %s -p choose-formats,choose-formats --split-input-file | filecheck %s

// The fewest bits that hold a column of a tile, and of those the most that need as many crossbars of 2-bit cells. Both
// multiplications by a weight have its format; one that spans 256 numbers has the chip's.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @ones = dense<1> : tensor<4x4xi8>
  cim.weight @five = dense<[[-15, 0, 1, 2], [0, 15, 1, 2], [-3, 3, 1, 2], [-15, 4, 1, 18]]> : tensor<4x4xi8>
  cim.weight @wide = dense<[[-128, 0, 0, 0], [127, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xi8>) -> (tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>) {
    // CHECK: %a = array.multiply %x by @ones in 2 bits "offset" {
    %a = array.multiply %x by @ones { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %b = array.multiply %z by @ones in 2 bits "offset" {
    %b = array.multiply %z by @ones { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xi8> -> tensor<?x4xi32>
    // CHECK: %c = array.multiply %x of 4 bits by @five in 6 bits "offset" {
    %c = array.multiply %x of 4 bits by @five { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %d = array.multiply %x by @wide in 8 bits "offset" {
    %d = array.multiply %x by @wide { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a, %b, %c, %d : tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>
  }
}

// -----

// Two weights fit one array: with a format of its own for each, they would need more crossbars.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @small = dense<1> : tensor<2x4xi8>
  cim.weight @wide = dense<[[-128, 0, 0, 0], [127, 0, 0, 0]]> : tensor<2x4xi8>
  func.func @main(%x: tensor<?x2xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
    // CHECK: %a = array.multiply %x by @small in 8 bits "offset" {
    %a = array.multiply %x by @small { tile 0: rows 0 to 1, columns 0 to 3 } : tensor<?x2xui8> -> tensor<?x4xi32>
    // CHECK: %b = array.multiply %x by @wide in 8 bits "offset" {
    %b = array.multiply %x by @wide { tile 0: rows 0 to 1, columns 0 to 3 } : tensor<?x2xui8> -> tensor<?x4xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
  }
}

// -----

// Other encodings need the bits of the number with its sign.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "twos-complement">} {
  cim.weight @five = dense<[[-15, 0, 1, 2], [0, 15, 1, 2], [-3, 3, 1, 2], [-15, 4, 1, 13]]> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK: %a = array.multiply %x by @five in 5 bits "twos-complement" {
    %a = array.multiply %x by @five { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}

// -----

// Where the chip leaves the encoding open, few crossbars need offsets, which are centred.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "auto", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0>} {
  cim.weight @w = dense<[[-8, 0, 1, 2], [0, 7, 1, 2], [-3, 3, 1, 2], [-5, 4, 1, 3]]> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK: %a = array.multiply %x by @w in 4 bits "offset" centred {
    %a = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}

// -----

// Places stay if no format changes. 8 bits and the chip's encoding is what tiles have that say none.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 4, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<[[-100, 0, 1, 2], [100, 7, 1, 2], [-3, 3, 1, 2], [-5, 4, 1, 3]]> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK: %a = array.multiply %x by @w in 8 bits "offset" {
    // CHECK-NEXT: tile 0: rows 0 to 1, columns 0 to 3 in array 3 at row 0, column 0
    // CHECK-NEXT: tile 1: rows 2 to 3, columns 0 to 3 in array 2 at row 0, column 0
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 3 in array 3 at row 0, column 0
      tile 1: rows 2 to 3, columns 0 to 3 in array 2 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}

// -----

// Where a format changes, all tiles are what they were before they got their places.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 4, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK: %a = array.multiply %x by @w in 4 bits "offset" {
    // CHECK-NEXT: tile 0: rows 0 to 3, columns 0 to 3
    // CHECK-NEXT: }
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 3 in array 3 at row 0, column 0
      tile 1: rows 2 to 3, columns 0 to 3 in array 2 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}
