// RUN: not cim-opt %s -p 'place-tiles{mapping=sparsemap}' 2>&1 | filecheck %s

// Too few arrays for one mapping, but not for another.
// CHECK: cimc: error: mapping sparsemap needs 8 crossbars in 2 arrays of 4x4, chip 'tiny-4' has 4 in 1: use mapping densemap, or let weights pass through it in parts: --reload (others need: linear 8, densemap 4, spread 4)
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1>} {
  cim.weight @w = dense<1> : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "block_diagonal">
  func.func @main(%x: tensor<?x8xui8>) -> tensor<?x8xi32> {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
      tile 2: rows 4 to 5, columns 4 to 5
      tile 3: rows 6 to 7, columns 6 to 7
    } : tensor<?x8xui8> -> tensor<?x8xi32>
    func.return %a : tensor<?x8xi32>
  }
}
