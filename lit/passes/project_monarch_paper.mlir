// RUN: cim-opt %s --split-input-file -p 'project-monarch{blocks="paper"}' --verify-each | filecheck %s

// The blocking of arXiv 2510.11192: n^1/2 blocks of n^1/2 rows and columns.
// CHECK: #layer_notes = [{node = "/fc", weight_error = {{.*}} : f64}]
// CHECK:      cim.weight @w.monarch1 = {{.*}} : tensor<4x4x4xf32> structure #cim.block_diagonal<4 blocks of 4x4, "monarch">
// CHECK-NEXT: cim.weight @w.middle = dense<[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]> : tensor<16xi64>
// CHECK-NEXT: cim.weight @w.monarch2 = {{.*}} : tensor<4x4x4xf32> structure #cim.block_diagonal<4 blocks of 4x4, "monarch">
// CHECK-NEXT: cim.weight @w.outputs = dense<[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]> : tensor<16xi64>
cim.weight @w = dense<1.0> : tensor<16x16xf32>
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: %0 = cim.matmul %x, @w.monarch1 : tensor<?x16xf32> -> tensor<?x16xf32>
  // CHECK: %1 = cim.permute %0, @w.middle : tensor<?x16xf32> -> tensor<?x16xf32>
  // CHECK: %2 = cim.matmul %1, @w.monarch2 : tensor<?x16xf32> -> tensor<?x16xf32>
  // CHECK: %y = cim.permute %2, @w.outputs : tensor<?x16xf32> -> tensor<?x16xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x16xf32> -> tensor<?x16xf32> loc("/fc")
  func.return %y : tensor<?x16xf32>
}

// -----

// A weight that is not square is padded to the square, and of the blocks is kept what it has rows and columns for.
// CHECK: #layer_notes = [{node = "/fc", weight_error = {{.*}} : f64}]
// CHECK:      cim.weight @w.monarch1 = dense<{{.*}}> : tensor<2x4x4xf32> structure #cim.block_diagonal<2 blocks of 4x4, "monarch">
// CHECK-NEXT: cim.weight @w.middle = dense<[0, 4, 1, 5, 2, 6, 3, 7]> : tensor<8xi64>
// CHECK-NEXT: cim.weight @w.monarch2 = dense<{{.*}}> : tensor<4x2x4xf32> structure #cim.block_diagonal<4 blocks of 2x4, "monarch">
// CHECK-NEXT: cim.weight @w.outputs = dense<[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]> : tensor<16xi64>
cim.weight @w = dense<1.0> : tensor<8x16xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x16xf32> {
  // CHECK: %0 = cim.matmul %x, @w.monarch1 : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: %1 = cim.permute %0, @w.middle : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: %2 = cim.matmul %1, @w.monarch2 : tensor<?x8xf32> -> tensor<?x16xf32>
  // CHECK: %y = cim.permute %2, @w.outputs : tensor<?x16xf32> -> tensor<?x16xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x8xf32> -> tensor<?x16xf32> loc("/fc")
  func.return %y : tensor<?x16xf32>
}
