// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=linear}' --verify-each | filecheck %s

// Linear: every tile has an array of its own. A weight that is used twice is placed once.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 3>} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  cim.weight @v = dense<2> : tensor<4x2xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xui8>) -> (tensor<?x6xi32>, tensor<?x2xi32>, tensor<?x6xi32>) {
    // CHECK: %a = array.multiply %x, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> at <[[0, 0, 0], [1, 0, 0]]> :
    %a = array.multiply %x, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> : tensor<?x4xui8> -> tensor<?x6xi32>
    // CHECK: %b = array.multiply %x, @v tiles <[[0, 0, 4, 2]]> at <[[2, 0, 0]]> :
    %b = array.multiply %x, @v tiles <[[0, 0, 4, 2]]> : tensor<?x4xui8> -> tensor<?x2xi32>
    // CHECK: %c = array.multiply %z, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> at <[[0, 0, 0], [1, 0, 0]]> :
    %c = array.multiply %z, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> : tensor<?x4xui8> -> tensor<?x6xi32>
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
