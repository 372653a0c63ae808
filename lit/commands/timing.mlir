// RUN: cim-opt %s -p quantize,tile-blocks --timing -o %t.out 2>&1 | filecheck %s
// RUN: cim-opt %s -p quantize,tile-blocks --time-passes -o %t.out 2>&1 | filecheck %s

// CHECK: pass {{ *}} ms {{ *}} checks ms {{ *}} operations after it
// CHECK: quantize {{ *[0-9]+\.[0-9] +[0-9]+\.[0-9] +}}
// CHECK: tile-blocks {{ *[0-9]+\.[0-9] +[0-9]+\.[0-9] +}}1 array.multiply
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<[[2.0, 0.0, 1.0], [-1.0, 0.0, 3.0]]> : tensor<2x3xf32>
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
    %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32> loc("/fc/MatMul")
    func.return %y : tensor<?x3xf32>
  }
}
