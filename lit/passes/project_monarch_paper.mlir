// RUN: cim-opt %s --split-input-file -p 'project-monarch{blocks="paper"}' --verify-each | filecheck %s

// The blocking of the paper, as much of it as the weight has rows and columns.
// CHECK: cim.layer_notes = [{node = "/fc", monarch = "left dense: factors would store 32 weights, the layer has 32"}]
// CHECK:      cim.weight @w = dense<{{\[\[}}1.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00, 3.000000e+00, 5.000000e+00, 4.000000e+00, 7.000000e+00], [2.000000e+00, 2.000000e+00, 4.000000e+00, 6.000000e+00, 6.000000e+00, 1.000000e+01, 8.000000e+00, 1.400000e+01], [-1.000000e+00, -1.000000e+00, 0.000000e+00, 1.000000e+00, 1.000000e+00, 3.000000e+00, 2.000000e+00, 5.000000e+00], [-3.000000e+00, -3.000000e+00, 0.000000e+00, 3.000000e+00, 3.000000e+00, 9.000000e+00, 6.000000e+00, 1.000000e+01{{\]\]}}> : tensor<4x8xf32>
cim.weight @w = dense<[[1.0, 1.0, 2.0, 3.0, 3.0, 5.0, 4.0, 7.0], [2.0, 2.0, 4.0, 6.0, 6.0, 10.0, 8.0, 14.0], [-1.0, -1.0, 0.0, 1.0, 1.0, 3.0, 2.0, 5.0], [-3.0, -3.0, 0.0, 3.0, 3.0, 9.0, 6.0, 10.0]]> : tensor<4x8xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  // CHECK: %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x8xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x8xf32> loc("/fc")
  func.return %y : tensor<?x8xf32>
}
