// RUN: cim-opt %s --split-input-file -p raise-matmul --verify-each | filecheck %s

// A stack of two matrices, of which an index chooses one for each vector: two weights, each with its own vectors.
// CHECK: cim.weight @w.0 = dense<{{.*}}> : tensor<2x3xf32>
// CHECK: cim.weight @w.1 = dense<{{.*}}> : tensor<2x3xf32>
cim.weight @w = dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]]]> : tensor<2x2x3xf32>
func.func @main(%x: tensor<?x1x2xf32>, %index: tensor<?xi64>) -> tensor<?x1x3xf32> {
  %stack = cim.read @w : tensor<2x2x3xf32>
  %chosen = cim.digital "Gather"(%stack, %index) : (tensor<2x2x3xf32>, tensor<?xi64>) -> tensor<?x2x3xf32>
  // CHECK: [[X:%[0-9]+]] = cim.digital "Reshape"({{.*}}) : (tensor<?x1x2xf32>, tensor<2xi64>) -> !vectors_2_f32
  // CHECK: cim.digital "NonZero"
  // CHECK: [[A:%[0-9]+]] = cim.digital "Gather"([[X]], {{.*}}) with {axis = 0 : i64} : {{.*}} -> !vectors_2_f32
  // CHECK: cim.matmul [[A]], @w.0 : !vectors_2_f32 -> !vectors_3_f32
  // CHECK: cim.digital "NonZero"
  // CHECK: [[B:%[0-9]+]] = cim.digital "Gather"([[X]], {{.*}}) with {axis = 0 : i64} : {{.*}} -> !vectors_2_f32
  // CHECK: cim.matmul [[B]], @w.1 : !vectors_2_f32 -> !vectors_3_f32
  // CHECK: cim.digital "ScatterND"
  // CHECK: %y = cim.digital "Reshape"({{.*}}) with {allowzero = 1 : i64} : {{.*}} -> tensor<?x1x3xf32>
  %y = cim.digital "MatMul"(%x, %chosen) : (tensor<?x1x2xf32>, tensor<?x2x3xf32>) -> tensor<?x1x3xf32>
  func.return %y : tensor<?x1x3xf32>
}

// -----

// Integers that are dequantised after the choice, with scales that are chosen alike, stay integers.
// CHECK: cim.weight @q.0.int8 = dense<{{\[\[}}1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8> as #cim.affine<@q.0.scale>
// CHECK: cim.weight @q.1.scale = dense<[2.500000e-01, 1.000000e+00, 2.000000e+00]> : tensor<3xf32>
// CHECK: cim.weight @q.1.int8 = dense<{{\[\[}}-1, -2, -3], [7, 8, 9]]> : tensor<2x3xi8> as #cim.affine<@q.1.scale>
cim.weight @q = dense<[[[1, 2, 3], [4, 5, 6]], [[-1, -2, -3], [7, 8, 9]]]> : tensor<2x2x3xi8>
func.func @main(%x: tensor<2xf32>, %index: tensor<4xi32>) -> tensor<4x3xf32> {
  %stack = cim.read @q : tensor<2x2x3xi8>
  %scales = cim.constant dense<[[[0.5, 0.5, 0.5]], [[0.25, 1.0, 2.0]]]> : tensor<2x1x3xf32>
  %chosen = cim.digital "Gather"(%stack, %index) : (tensor<2x2x3xi8>, tensor<4xi32>) -> tensor<4x2x3xi8>
  %scale = cim.digital "Gather"(%scales, %index) : (tensor<2x1x3xf32>, tensor<4xi32>) -> tensor<4x1x3xf32>
  %floats = cim.digital "Cast"(%chosen) with {to = 1 : i64} : (tensor<4x2x3xi8>) -> tensor<4x2x3xf32>
  %w = cim.digital "Mul"(%floats, %scale) : (tensor<4x2x3xf32>, tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
  %y = cim.digital "MatMul"(%x, %w) : (tensor<2xf32>, tensor<4x2x3xf32>) -> tensor<4x3xf32>
  func.return %y : tensor<4x3xf32>
}

// -----

// A scale that is chosen by another index belongs to no matrix: all stays as it is.
// CHECK: %other: tensor<4xi32>
// CHECK-NOT: cim.matmul
// CHECK: %y = cim.digital "MatMul"(%x, %w)
cim.weight @q = dense<[[[1, 2, 3], [4, 5, 6]], [[-1, -2, -3], [7, 8, 9]]]> : tensor<2x2x3xi8>
func.func @main(%x: tensor<2xf32>, %index: tensor<4xi32>, %other: tensor<4xi32>) -> tensor<4x3xf32> {
  %stack = cim.read @q : tensor<2x2x3xi8>
  %scales = cim.constant dense<[[[0.5, 0.5, 0.5]], [[0.25, 1.0, 2.0]]]> : tensor<2x1x3xf32>
  %chosen = cim.digital "Gather"(%stack, %index) : (tensor<2x2x3xi8>, tensor<4xi32>) -> tensor<4x2x3xi8>
  %scale = cim.digital "Gather"(%scales, %other) : (tensor<2x1x3xf32>, tensor<4xi32>) -> tensor<4x1x3xf32>
  %floats = cim.digital "Cast"(%chosen) with {to = 1 : i64} : (tensor<4x2x3xi8>) -> tensor<4x2x3xf32>
  %w = cim.digital "Mul"(%floats, %scale) : (tensor<4x2x3xf32>, tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
  %y = cim.digital "MatMul"(%x, %w) : (tensor<2xf32>, tensor<4x2x3xf32>) -> tensor<4x3xf32>
  func.return %y : tensor<4x3xf32>
}
