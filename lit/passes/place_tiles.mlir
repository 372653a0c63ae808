// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=linear}' --verify-each | filecheck %s

// Linear: every tile has an array of its own. A weight that is used twice is placed once.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 3>} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  cim.weight @v = dense<2> : tensor<4x2xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xui8>) -> (tensor<?x6xi32>, tensor<?x2xi32>, tensor<?x6xi32>) {
    // CHECK: %a = array.multiply %x by @w {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 0
    // CHECK-NEXT:      } :
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    // CHECK: %b = array.multiply %x by @v {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 1 in array 2 at row 0, column 0
    // CHECK-NEXT:      } :
    %b = array.multiply %x by @v { tile 0: rows 0 to 3, columns 0 to 1 } : tensor<?x4xui8> -> tensor<?x2xi32>
    // CHECK: %c = array.multiply %z by @w {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 0
    // CHECK-NEXT:      } :
    %c = array.multiply %z by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    func.return %a, %b, %c : tensor<?x6xi32>, tensor<?x2xi32>, tensor<?x6xi32>
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
