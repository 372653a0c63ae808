// RUN: cim-opt %s -p 'quantize{activations=tensor},tile-blocks,place-tiles{mapping=linear},schedule-arrays' --verify-each | filecheck %s
// RUN: cim-opt %s -p 'quantize{activations=tensor}' | cim-opt -p tile-blocks | cim-opt -p place-tiles,schedule-arrays | filecheck %s
// RUN: cim-opt %s -p 'quantize{activations="tensor"},tile-blocks,place-tiles,schedule-arrays' --print-op-generic | cim-opt | filecheck %s
// RUN: cim-opt %s -p 'fold-constants,raise-matmul,quantize{activations=tensor},fold-constants,quantize,tile-blocks,tile-blocks,place-tiles,place-tiles,schedule-arrays,schedule-arrays' --verify-each | filecheck %s

// Passes run one after the other, in one process or in several, and through either form of the text; a second time they
// find nothing to do.
// CHECK: DynamicQuantizeLinear
// CHECK: %acc = array.stage 0
// CHECK: array.multiply %{{[0-9]+}} by @w.int8 {
// CHECK-NEXT:        tile 0: rows 0 to 1, columns 0 to 2 in array 0 at row 0, column 0
// CHECK-NEXT:        convert rows 0 to 1 of tile 0 to 3 bits at 5000 ps, sums up to 5
// CHECK-NEXT:      } : {{!vectors_2_ui8|tensor<\?x2xui8>}} -> !vectors_3_i32
// CHECK: func.return %y : {{!vectors_3_f32|tensor<\?x3xf32>}}
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<[[2.0, 0.0, 1.0], [-1.0, 0.0, 3.0]]> : tensor<2x3xf32>
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
    %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32> loc("/fc/MatMul")
    func.return %y : tensor<?x3xf32>
  }
}
