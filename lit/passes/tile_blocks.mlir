// RUN: cim-opt %s --split-input-file -p tile-blocks --verify-each | filecheck %s

// A weight on the grid of 4x4 arrays, row by row; what is left over makes smaller tiles.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<5x6xi8>
  func.func @main(%x: tensor<?x5xui8>) -> tensor<?x6xi32> {
    // CHECK: %y = array.multiply %x by @w {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3
    // CHECK-NEXT:        tile 1: rows 0 to 3, columns 4 to 5
    // CHECK-NEXT:        tile 2: rows 4 to 4, columns 0 to 3
    // CHECK-NEXT:        tile 3: rows 4 to 4, columns 4 to 5
    // CHECK-NEXT:      } : tensor<?x5xui8> -> tensor<?x6xi32>
    %y = cim.matmul %x, @w : tensor<?x5xui8> -> tensor<?x6xi32>
    func.return %y : tensor<?x6xi32>
  }
}

// -----

// One that fits exactly, one that is smaller, signed inputs; everything else stays.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @exact = dense<-1> : tensor<4x4xi8>
  cim.weight @small = dense<1> : tensor<4x1xi8>
  func.func @main(%x: tensor<?x4xi8>) -> (tensor<?x4xi32>, tensor<?x1xi32>) {
    // CHECK: %y = cim.digital "Relu"(%x)
    %y = cim.digital "Relu"(%x) : (tensor<?x4xi8>) -> tensor<?x4xi8>
    // CHECK: %a = array.multiply %y by @exact {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3
    // CHECK-NEXT:      } : tensor<?x4xi8> -> tensor<?x4xi32>
    %a = cim.matmul %y, @exact : tensor<?x4xi8> -> tensor<?x4xi32>
    // CHECK: %b = array.multiply %y by @small {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 0
    // CHECK-NEXT:      } : tensor<?x4xi8> -> tensor<?x1xi32>
    %b = cim.matmul %y, @small : tensor<?x4xi8> -> tensor<?x1xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x1xi32>
  }
}

// -----

// The bits of inputs stay; a weight that others multiply by already keeps its format, too.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
    %a = array.multiply %x by @w in 4 bits "offset" { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %b = array.multiply %x of 6 bits by @w in 4 bits "offset" {
    %b = cim.matmul %x of 6 bits, @w : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
  }
}
