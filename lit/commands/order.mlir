// RUN: not cim-opt %s -p 'tile-blocks,place-tiles,schedule-arrays,place-tiles{mapping=linear}' 2>&1 | filecheck %s --check-prefix PLACE
// RUN: not cim-opt %s -p 'tile-blocks,place-tiles,schedule-arrays,fold-constants' 2>&1 | filecheck %s --check-prefix FOLD

// What a pass needs is looked for before it runs; what is wrong with a file names it.
// PLACE:   {{^}}cimc: error: {{.*}}order.mlir: node '/fc' is scheduled: expected IR from before schedule-arrays, to run place-tiles on{{$}}
// FOLD:    {{^}}cimc: error: {{.*}}order.mlir: node '/fc' is scheduled: expected IR from before schedule-arrays, to run fold-constants on{{$}}
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x6xi32> {
    %y = cim.matmul %x, @w : tensor<?x4xui8> -> tensor<?x6xi32> loc("/fc")
    func.return %y : tensor<?x6xi32>
  }
}
