// RUN: cim-opt %s --split-input-file -p 'project-monarch{blocks=2}' --verify-each | filecheck %s

// A dense weight becomes two factors of two blocks, and the module tells how far they are off.
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

// A weight that would not get smaller stays, and so does one that has fewer rows than blocks.
// CHECK: #layer_notes = [{node = "/square", monarch = "left dense: factors would store 8 weights, the layer has 4"}]
// CHECK:      cim.weight @w = dense<{{\[\[}}1.000000e+00, 5.000000e-01], [2.000000e+00, 5.000000e-01{{\]\]}}> : tensor<2x2xf32>
// CHECK-NEXT: cim.weight @v = dense<{{\[\[}}1.000000e+00], [2.000000e+00{{\]\]}}> : tensor<2x1xf32>
cim.weight @w = dense<[[1.0, 0.5], [2.0, 0.5]]> : tensor<2x2xf32>
cim.weight @v = dense<[[1.0], [2.0]]> : tensor<2x1xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("/square")
  // CHECK: %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.matmul %a, @v : tensor<?x2xf32> -> tensor<?x1xf32>
  // CHECK: func.return
  %y = cim.matmul %a, @v : tensor<?x2xf32> -> tensor<?x1xf32> loc("/column")
  func.return %y : tensor<?x1xf32>
}

// -----

// Weights with a structure and integers are left alone.
// CHECK:      cim.weight @w = dense<1.000000e+00> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
// CHECK-NEXT: cim.weight @v = dense<1> : tensor<8x8xi8>
cim.weight @w = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
cim.weight @v = dense<1> : tensor<8x8xi8>
func.func @main(%x: tensor<?x4xf32>, %q: tensor<?x8xui8>) -> (tensor<?x4xf32>, tensor<?x8xi32>) {
  %a = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %a = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.matmul %q, @v : tensor<?x8xui8> -> tensor<?x8xi32>
  // CHECK: func.return
  %y = cim.matmul %q, @v : tensor<?x8xui8> -> tensor<?x8xi32>
  func.return %a, %y : tensor<?x4xf32>, tensor<?x8xi32>
}

// -----

// Scaled integers are projected as the floats that they stand for.
// CHECK: #layer_notes = [{node = "/fc", weight_error = {{[0-9.e-]+}} : f64}]
// CHECK:      cim.weight @w.monarch1 = dense<{{.*}}> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @w.middle = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w.monarch2 = dense<{{.*}}> : tensor<2x2x4xf32> structure #cim.block_diagonal<2 blocks of 2x4, "monarch">
// CHECK-NEXT: cim.weight @w.outputs = dense<[0, 4, 1, 5, 2, 6, 3, 7]> : tensor<8xi64>
cim.weight @w = dense<2> : tensor<4x8xi8> as #cim.affine<@scale>
cim.weight @scale = dense<0.5> : tensor<8xf32>
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

// Blocks that do not divide the inputs: zeros follow them.
// CHECK: #layer_notes = [{node = "/fc", weight_error = {{[0-9.e-]+}} : f64}]
// CHECK:      cim.weight @w.monarch1 = dense<{{.*}}> : tensor<2x4x2xf32> structure #cim.block_diagonal<2 blocks of 4x2, "monarch">
// CHECK-NEXT: cim.weight @w.middle = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w.monarch2 = dense<{{.*}}> : tensor<2x2x4xf32> structure #cim.block_diagonal<2 blocks of 2x4, "monarch">
// CHECK-NEXT: cim.weight @w.outputs = dense<[0, 4, 1, 5, 2, 6, 3, 7]> : tensor<8xi64>
cim.weight @w = dense<1.0> : tensor<7x8xf32>
func.func @main(%x: tensor<?x7xf32>) -> tensor<?x8xf32> {
  // CHECK: %1 = cim.digital "Pad"(%x, %0) : (tensor<?x7xf32>, tensor<4xi64>) -> tensor<?x8xf32>
  // CHECK: %2 = cim.matmul %1, @w.monarch1 : tensor<?x8xf32> -> tensor<?x4xf32>
  // CHECK: %3 = cim.permute %2, @w.middle : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %4 = cim.matmul %3, @w.monarch2 : tensor<?x4xf32> -> tensor<?x8xf32>
  // CHECK: %y = cim.permute %4, @w.outputs : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x7xf32> -> tensor<?x8xf32> loc("/fc")
  func.return %y : tensor<?x8xf32>
}
