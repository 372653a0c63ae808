// RUN: not cim-opt %s -p schedule-arrays 2>&1 | filecheck %s --check-prefix PLACES
// RUN: not cim-opt %s -p place-tiles,schedule-arrays 2>&1 | filecheck %s --check-prefix ADC
// RUN: not cim-opt %S/Inputs/no_time.mlir -p schedule-arrays 2>&1 | filecheck %s --check-prefix TIME
// RUN: not cim-opt %S/Inputs/no_tiles.mlir -p schedule-arrays 2>&1 | filecheck %s --check-prefix TILES

// PLACES: cimc: error: node '/fc/MatMul' has no places for its tiles: run place-tiles first
// ADC: cimc: error: node '/fc/MatMul': a single row can exceed an ADC of 1 bits (cells of 2 bits, inputs 1 bits at a time): choose a chip with more, or clip (--lossy)
// TIME: cimc: error: chip 'tiny-4' gives no settle_ns: add it to the chip, the cost model needs it
// TILES: cimc: error: node '/fc/MatMul' has no tiles: run tile-blocks first
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 1, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32> loc("/fc/MatMul")
    func.return %y : tensor<?x4xi32>
  }
}
