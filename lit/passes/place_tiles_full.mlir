// RUN: not cim-opt %s -p 'place-tiles{mapping=sparsemap}' 2>&1 | filecheck %s

// Too few arrays for one mapping, but not for another.
// CHECK: cimc: error: mapping sparsemap needs 2 arrays of 4x4, chip 'tiny-4' has 1: use mapping densemap (others need: linear 2, densemap 1, spread 1)
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1>} {
  cim.weight @w = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4, 2x2, "block_diagonal">
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    %a = array.multiply %x, @w tiles <[[0, 0, 2, 2], [2, 2, 2, 2], [4, 4, 2, 2], [6, 6, 2, 2]]> : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %a : tensor<?x8xi32>
  }
}
