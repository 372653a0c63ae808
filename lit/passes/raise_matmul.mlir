// RUN: cim-opt %s --split-input-file -p raise-matmul --verify-each | filecheck %s

// A constant on the right: the weight as it is, for matrices, batches and vectors.
// CHECK: cim.weight @w = dense<{{.*}}> : tensor<2x3xf32>
cim.weight @w = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
func.func @main(%x: tensor<?x2xf32>, %batch: tensor<?x?x2xf32>, %v: tensor<2xf32>) -> (tensor<?x3xf32>, tensor<?x?x3xf32>, tensor<3xf32>) {
  // CHECK-NOT: cim.read
  %w = cim.read @w : tensor<2x3xf32>
  // CHECK: %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32>
  %y = cim.digital "MatMul"(%x, %w) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  // CHECK: %z = cim.matmul %batch, @w : tensor<?x?x2xf32> -> tensor<?x?x3xf32>
  %z = cim.digital "MatMul"(%batch, %w) : (tensor<?x?x2xf32>, tensor<2x3xf32>) -> tensor<?x?x3xf32>
  // CHECK: %u = cim.matmul %v, @w : tensor<2xf32> -> tensor<3xf32>
  %u = cim.digital "MatMul"(%v, %w) : (tensor<2xf32>, tensor<2x3xf32>) -> tensor<3xf32>
  func.return %y, %z, %u : tensor<?x3xf32>, tensor<?x?x3xf32>, tensor<3xf32>
}

// -----

// A constant on the left: W x = (x' W')'.
// CHECK: cim.weight @w.transposed = dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2x?xf32>) -> tensor<?x2x?xf32> {
  %w = cim.read @w : tensor<2x2xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 0, 2, 1>} : (tensor<?x2x?xf32>) -> tensor<?x?x2xf32>
  // CHECK: %1 = cim.matmul %0, @w.transposed : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%1) with {perm = array<i64: 0, 2, 1>} : (tensor<?x?x2xf32>) -> tensor<?x2x?xf32>
  %y = cim.digital "MatMul"(%w, %x) : (tensor<2x2xf32>, tensor<?x2x?xf32>) -> tensor<?x2x?xf32>
  func.return %y : tensor<?x2x?xf32>
}

// -----

// Gemm with everything: alpha A' B' + beta C.
// CHECK: cim.weight @w.transposed = {{.*}} : tensor<3x2xf32>
cim.weight @w = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
func.func @main(%x: tensor<3x?xf32>) -> tensor<?x2xf32> {
  %w = cim.read @w : tensor<2x3xf32>
  // CHECK: %bias = cim.constant
  %bias = cim.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 1, 0>} : (tensor<3x?xf32>) -> tensor<?x3xf32>
  // CHECK: %1 = cim.matmul %0, @w.transposed : tensor<?x3xf32> -> tensor<?x2xf32>
  // CHECK: %2 = cim.constant dense<2.000000e+00> : tensor<f32>
  // CHECK: %3 = cim.digital "Mul"(%1, %2)
  // CHECK: %4 = cim.constant dense<5.000000e-01> : tensor<f32>
  // CHECK: %5 = cim.digital "Mul"(%bias, %4) : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  // CHECK: %y = cim.digital "Add"(%3, %5) : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = cim.digital "Gemm"(%x, %w, %bias) with {alpha = 2.0 : f32, beta = 0.5 : f32, transA = 1 : i64, transB = 1 : i64} : (tensor<3x?xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Gemm with nothing.
cim.weight @w = dense<1.0> : tensor<2x3xf32>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %w = cim.read @w : tensor<2x3xf32>
  %none = cim.none : none
  // CHECK: %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32>
  %y = cim.digital "Gemm"(%x, %w) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  // CHECK-NEXT: %z = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32>
  %z = cim.digital "Gemm"(%x, %w, %none) : (tensor<?x2xf32>, tensor<2x3xf32>, none) -> tensor<?x3xf32>
  func.return %y, %z : tensor<?x3xf32>, tensor<?x3xf32>
}

// -----

// A convolution of kernel 1: channels become the last axis.
// CHECK: cim.weight @kernel.matrix = dense<{{\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00]]> : tensor<2x3xf32>
func.func @main(%x: tensor<?x2x5x4xf32>) -> tensor<?x3x5x4xf32> {
  %kernel = cim.constant dense<[[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]], [[[5.0]], [[6.0]]]]> : tensor<3x2x1x1xf32>
  // CHECK: %bias = cim.constant
  %bias = cim.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x2x5x4xf32>) -> tensor<?x5x4x2xf32>
  // CHECK: %1 = cim.matmul %0, @kernel.matrix : tensor<?x5x4x2xf32> -> tensor<?x5x4x3xf32>
  // CHECK: %2 = cim.digital "Add"(%1, %bias)
  // CHECK: %y = cim.digital "Transpose"(%2) with {perm = array<i64: 0, 3, 1, 2>} : (tensor<?x5x4x3xf32>) -> tensor<?x3x5x4xf32>
  %y = cim.digital "Conv"(%x, %kernel, %bias) with {kernel_shape = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x2x5x4xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<?x3x5x4xf32>
  func.return %y : tensor<?x3x5x4xf32>
}
