builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    %y = cim.matmul %x, @w : tensor<?x4xui8> -> tensor<?x4xi32> loc("/fc/MatMul")
    func.return %y : tensor<?x4xi32>
  }
}
