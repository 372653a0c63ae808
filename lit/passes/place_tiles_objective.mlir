// RUN: cim-opt %s -p 'place-tiles{objective=latency}' --verify-each | filecheck %s --check-prefix FAST
// RUN: cim-opt %s -p 'place-tiles{objective=throughput}' --verify-each | filecheck %s --check-prefix MANY
// RUN: not cim-opt %s -p 'place-tiles{mapping=linear objective=latency}' 2>&1 | filecheck %s --check-prefix WRONG

// For latency tiles are cut between columns, so that the ADC of each array has one column of the stage to convert. For
// throughput no two tiles lie on each other, so that no array waits for itself.
// FAST: %a = array.multiply %x by @w {
// FAST-NEXT:        tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 0, column 0
// FAST-NEXT:        tile 1: rows 0 to 1, columns 1 to 1 in array 2 at row 0, column 0
// FAST-NEXT:        tile 2: rows 2 to 3, columns 2 to 2 in array 1 at row 0, column 0
// FAST-NEXT:        tile 3: rows 2 to 3, columns 3 to 3 in array 3 at row 0, column 0
// MANY: %a = array.multiply %x by @w {
// MANY-NEXT:        tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
// MANY-NEXT:        tile 1: rows 2 to 3, columns 2 to 3 in array 0 at row 0, column 2
// WRONG: cimc: error: objective latency with mapping linear: expected mapping spread, others leave no choice
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<1> : tensor<2x2x2xi8> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}
