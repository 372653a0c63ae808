// RUN: cim-opt %s --split-input-file -p 'quantize{activations=tensor}' --verify-each | filecheck %s

// One scale and zero point for the whole activation, by ONNX's own operator.
cim.weight @w = dense<[[2.0, 0.0], [-1.0, 0.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK:      %0, %1, %2 = cim.digital "DynamicQuantizeLinear"(%x) : (!vectors_2_f32) -> (tensor<?x2xui8>, tensor<f32>, tensor<ui8>)
  // CHECK-NEXT: %3 = cim.digital "Cast"(%2) with {to = 6 : i64} : (tensor<ui8>) -> tensor<i32>
  // The scale of a vector with a NaN or an infinity is NaN.
  // CHECK:      %5 = cim.digital "ReduceSum"(%x, %4)
  // CHECK:      %marked = cim.digital "Add"(%7, %1) : (!vectors_1_f32, tensor<f32>) -> !vectors_1_f32
  // CHECK:      %acc = cim.matmul %0, @w.int8 : tensor<?x2xui8> -> !vectors_2_i32
  // CHECK:      cim.digital "Mul"(%marked, %8) : (!vectors_1_f32, tensor<2xf32>) -> !vectors_2_f32
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}
