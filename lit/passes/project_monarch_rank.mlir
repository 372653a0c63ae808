// RUN: cim-opt %s -p 'project-monarch{blocks=2 rank=2}' --verify-each | filecheck %s

// Slices keep the rank that is asked for: 2 in the first weight, where blocks as square as they can be have rank 4; in the
// second no more than the one column that a slice has.
// CHECK: #layer_notes = [{node = "/up", weight_error = {{[0-9.e-]+}} : f64},
// CHECK-NEXT: {node = "/down", monarch = "left dense: factors would store 36 weights, the layer has 32"}]
// CHECK:      cim.weight @w.monarch1 = {{.*}} : tensor<2x8x4xf32> structure #cim.block_diagonal<2 blocks of 8x4, "monarch">
// CHECK:      cim.weight @w.monarch2 = {{.*}} : tensor<2x4x8xf32> structure #cim.block_diagonal<2 blocks of 4x8, "monarch">
cim.weight @w = dense<1.0> : tensor<16x16xf32>
cim.weight @v = dense<1.0> : tensor<16x2xf32>
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  // CHECK: %0 = cim.matmul %x, @w.monarch1 : tensor<?x16xf32> -> tensor<?x8xf32>
  // CHECK: %2 = cim.matmul %1, @w.monarch2 : tensor<?x8xf32> -> tensor<?x16xf32>
  // CHECK: %z = cim.matmul %y, @v : tensor<?x16xf32> -> tensor<?x2xf32>
  %y = cim.matmul %x, @w : tensor<?x16xf32> -> tensor<?x16xf32> loc("/up")
  %z = cim.matmul %y, @v : tensor<?x16xf32> -> tensor<?x2xf32> loc("/down")
  func.return %z : tensor<?x2xf32>
}
