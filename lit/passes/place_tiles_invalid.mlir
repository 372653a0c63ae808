// RUN: not cim-opt %s -p 'place-tiles{mapping=linear}' 2>&1 | filecheck %s --check-prefix FULL
// RUN: not cim-opt %s -p 'place-tiles{mapping=random}' 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not cim-opt %S/Inputs/no_tiles.mlir -p place-tiles 2>&1 | filecheck %s --check-prefix TILES

// FULL: cimc: error: mapping linear needs 8 crossbars in 2 arrays of 4x4, chip 'tiny-4' has 4 in 1: raise its `arrays`, or choose a chip with larger ones, or let weights pass through it in parts: --reload (others need: sparsemap 8, densemap 8, spread 8)
// UNKNOWN: cimc: error: mapping random is unknown: expected one of linear, sparsemap, densemap, spread
// TILES: cimc: error: node '/fc/MatMul' has no tiles: run tile-blocks first
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1>} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x6xi32> {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    func.return %a : tensor<?x6xi32>
  }
}
