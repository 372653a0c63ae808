// RUN: cim-opt %s --split-input-file -p 'project-monarch{blocks="auto" budget=0.05}' --verify-each | filecheck %s

// The cheapest blocking whose error is within the budget.
// CHECK: #layer_notes = [{node = "/fc", weight_error = 0.0368{{[0-9]+}} : f64}]
// CHECK:      cim.weight @w.monarch1 = dense<{{.*}}> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @w.middle = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w.monarch2 = dense<{{.*}}> : tensor<2x2x4xf32> structure #cim.block_diagonal<2 blocks of 2x4, "monarch">
// CHECK-NEXT: cim.weight @w.outputs = dense<[0, 4, 1, 5, 2, 6, 3, 7]> : tensor<8xi64>
cim.weight @w = dense<[[1.0, 1.0, 2.0, 3.0, 3.0, 5.0, 4.0, 7.0], [2.0, 2.0, 4.0, 6.0, 6.0, 10.0, 8.0, 14.0], [-1.0, -1.0, 0.0, 1.0, 1.0, 3.0, 2.0, 5.0], [-3.0, -3.0, 0.0, 3.0, 3.0, 9.0, 6.0, 10.0]]> : tensor<4x8xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  // CHECK: %0 = cim.matmul %x, @w.monarch1 : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %1 = cim.permute %0, @w.middle : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %2 = cim.matmul %1, @w.monarch2 : tensor<?x4xf32> -> tensor<?x8xf32>
  // CHECK: %y = cim.permute %2, @w.outputs : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x8xf32> loc("/fc")
  func.return %y : tensor<?x8xf32>
}

// -----

// Where there is none the layer stays dense.
// CHECK: #layer_notes = [{node = "/fc", monarch = "left dense: no blocking keeps the error within the budget"}]
// CHECK:      cim.weight @w = dense<{{\[\[}}1.000000e+00, 0.000000e+00, 0.000000e+00, 1.000000e+00], [0.000000e+00, 1.000000e+00, 1.000000e+00, 0.000000e+00], [0.000000e+00, 1.000000e+00, 0.000000e+00, 1.000000e+00], [1.000000e+00, 0.000000e+00, 1.000000e+00, 1.000000e+00{{\]\]}}> : tensor<4x4xf32>
cim.weight @w = dense<[[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0]]> : tensor<4x4xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32> loc("/fc")
  func.return %y : tensor<?x4xf32>
}
