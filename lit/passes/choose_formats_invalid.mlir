// RUN: not cim-opt %s -p choose-formats 2>&1 | filecheck %s --check-prefix TIMES
// RUN: not cim-opt %s -p 'choose-formats{objective=speed}' 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not cim-opt %S/Inputs/no_tiles.mlir -p choose-formats 2>&1 | filecheck %s --check-prefix TILES

// TIMES: cimc: error: chip 'tiny-4' gives no settle_ns: add it to the chip, the cost model needs it
// UNKNOWN: cimc: error: objective speed is unknown: expected one of arrays, latency, throughput
// TILES: cimc: error: node '/fc/MatMul' has no tiles: run tile-blocks first
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "auto">} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    %a = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}
