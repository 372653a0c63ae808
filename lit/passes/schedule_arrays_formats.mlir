// RUN: cim-opt %s -p schedule-arrays --split-input-file | filecheck %s
// RUN: cim-opt %s -p schedule-arrays,schedule-arrays --split-input-file | filecheck %s

// Cells are those of the format: 8 + 7 in 2-bit cells is 3 and 3, with the midpoint of 4 bits 0 and 3 of 16. Inputs of
// 5 bits have 5 planes of 1 bit, so an activation takes 5 * (10 + 4 * 3) ns, and not 8 of them.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @seven = dense<7> : tensor<4x4xi8>
  cim.weight @one = dense<1> : tensor<4x4xi8>
  cim.weight @other = dense<1> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>) {
    // CHECK: %a_1 = array.multiply %x_1 by @seven in 4 bits "offset" {
    // CHECK: convert rows 0 to 3 of tile 0 to 4 bits at 5000 ps, sums up to 12
    %a = array.multiply %x by @seven in 4 bits "offset" { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %b_1 = array.multiply %x_1 of 5 bits by @one in 2 bits "offset" centred {
    // CHECK: convert rows 0 to 3 of tile 0 to 1 bits at 5000 ps, sums up to 0
    %b = array.multiply %x of 5 bits by @one in 2 bits "offset" centred { tile 0: rows 0 to 3, columns 0 to 3 in array 1 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %c_1 = array.multiply %x_1 by @other in 3 bits "twos-complement" {
    // CHECK: convert rows 0 to 3 of tile 0 to 3 bits at 5000 ps, sums up to 4
    %c = array.multiply %x by @other in 3 bits "twos-complement" { tile 0: rows 0 to 3, columns 0 to 3 in array 2 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a, %b, %c : tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>
  }
}

// -----

// CHECK: array.stage 0 start_ps 0 duration_ps 120000 {
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @one = dense<1> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK: convert rows 0 to 3 of tile 0 to 3 bits at 5000 ps, sums up to 4
    %a = array.multiply %x of 5 bits by @one in 3 bits "twos-complement" { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a : tensor<?x4xi32>
  }
}
