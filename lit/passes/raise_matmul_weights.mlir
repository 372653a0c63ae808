// RUN: cim-opt %s --split-input-file -p raise-matmul --verify-each | filecheck %s

// Integers that are scaled on their way keep their values: a scale per column, in either order.
// CHECK: cim.weight @w.scale = dense<[5.000000e-01, 1.000000e+00, 2.000000e+00]> : tensor<3xf32>
// CHECK: cim.weight @w.int8 = dense<{{\[\[}}1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8> as #cim.affine<@w.scale>
cim.weight @w = dense<[[1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<[0.5, 1.0, 2.0]> : tensor<3xf32>
  %cast = cim.digital "Cast"(%w) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
  %right = cim.digital "Mul"(%cast, %scale) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK-NOT: Cast
  // CHECK: %y = cim.matmul %x, @w.int8 : tensor<?x2xf32> -> tensor<?x3xf32>
  %y = cim.digital "MatMul"(%x, %right) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %left = cim.digital "Mul"(%scale, %cast) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: %z = cim.matmul %x, @w.int8 : tensor<?x2xf32> -> tensor<?x3xf32>
  %z = cim.digital "MatMul"(%x, %left) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y, %z : tensor<?x3xf32>, tensor<?x3xf32>
}

// -----

// One scale for the whole weight is one a column.
// CHECK: cim.weight @w.scale = dense<2.500000e-01> : tensor<3xf32>
// CHECK: cim.weight @w.int8 = {{.*}} as #cim.affine<@w.scale>
cim.weight @w = dense<[[1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<0.25> : tensor<f32>
  %cast = cim.digital "Cast"(%w) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
  %scaled = cim.digital "Mul"(%cast, %scale) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// A scale a row is one of the input.
// CHECK: cim.weight @w.scale = dense<1.000000e+00> : tensor<3xf32>
// CHECK: cim.weight @w.int8 = dense<{{\[\[}}1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8> as #cim.affine<@w.scale>
cim.weight @w = dense<[[1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<[[0.5], [2.0]]> : tensor<2x1xf32>
  %cast = cim.digital "Cast"(%w) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
  %scaled = cim.digital "Mul"(%cast, %scale) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  // CHECK: [[rows:%.*]] = cim.constant dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
  // CHECK: [[scaled:%.*]] = cim.digital "Mul"(%x, [[rows]])
  // CHECK: %y = cim.matmul [[scaled]], @w.int8
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// Transposed afterwards, a scale a row is one a column.
// CHECK: cim.weight @w.transposed.scale = dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK: cim.weight @w.transposed.int8 = dense<{{\[\[}}1, 4], [-2, 5], [3, -128]]> : tensor<3x2xi8> as #cim.affine<@w.transposed.scale>
cim.weight @w = dense<[[1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<[[0.5], [2.0]]> : tensor<2x1xf32>
  %cast = cim.digital "Cast"(%w) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
  %scaled = cim.digital "Mul"(%cast, %scale) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %turned = cim.digital "Transpose"(%scaled) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: %y = cim.matmul %x, @w.transposed.int8
  %y = cim.digital "MatMul"(%x, %turned) : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// DequantizeLinear with a zero point a column; uint8 is moved by 128, and so are its zero points (0 stays in the IR).
// CHECK: cim.weight @w.zero = dense<[-1, 0, -128]> : tensor<3xi32>
// CHECK: cim.weight @w.int8 = dense<{{\[\[}}-127, -126, -125], [-124, -123, 127]]> : tensor<2x3xi8> as #cim.affine<@w.scale, @w.zero>
cim.weight @w = dense<[[1, 2, 3], [4, 5, 255]]> : tensor<2x3xui8>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = cim.read @w : tensor<2x3xui8>
  %scale = cim.constant dense<[0.5, 1.0, 2.0]> : tensor<3xf32>
  %zero = cim.constant dense<[127, 128, 0]> : tensor<3xui8>
  %scaled = cim.digital "DequantizeLinear"(%w, %scale, %zero) : (tensor<2x3xui8>, tensor<3xf32>, tensor<3xui8>) -> tensor<2x3xf32>
  // CHECK: %y = cim.matmul %x, @w.int8
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// DequantizeLinear per tensor, without a zero point, and with one that is 0: nothing to subtract.
// CHECK: cim.weight @w.int8 = {{.*}} as #cim.affine<@w.scale>{{$}}
// CHECK-NOT: .zero
cim.weight @w = dense<[[1, 2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<0.5> : tensor<f32>
  %zero = cim.constant dense<0> : tensor<i8>
  %plain = cim.digital "DequantizeLinear"(%w, %scale) : (tensor<2x3xi8>, tensor<f32>) -> tensor<2x3xf32>
  // CHECK: %y = cim.matmul %x, @w.int8
  %y = cim.digital "MatMul"(%x, %plain) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %nought = cim.digital "DequantizeLinear"(%w, %scale, %zero) : (tensor<2x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x3xf32>
  // CHECK: %z = cim.matmul %x, @w.int8
  %z = cim.digital "MatMul"(%x, %nought) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y, %z : tensor<?x3xf32>, tensor<?x3xf32>
}

// -----

// Scales that differ everywhere have no integers with a scale a column: the floats are multiplied.
// CHECK: cim.weight @w.float = dense<{{\[\[}}5.000000e-01, -4.000000e+00, 3.000000e+00], [8.000000e+00, 1.000000e+01, -1.280000e+02]]> : tensor<2x3xf32>
cim.weight @w = dense<[[1, -2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<[[0.5, 2.0, 1.0], [2.0, 2.0, 1.0]]> : tensor<2x3xf32>
  %cast = cim.digital "Cast"(%w) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
  %scaled = cim.digital "Mul"(%cast, %scale) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: %y = cim.matmul %x, @w.float
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// A scale for every two rows: the products of two blocks, which are summed.
// CHECK: cim.weight @w.int8 = dense<{{\[\[\[}}1, -2], [4, 5]], {{\[\[}}7, 8], [9, 10]]]> : tensor<2x2x2xi8> as #cim.affine<@w.scale> structure #cim.block_diagonal<2 blocks of 2x2, "row_groups">
builtin.module attributes {"cim.opsets" = ["ai.onnx:21"]} {
cim.weight @w = dense<[[1, -2], [4, 5], [7, 8], [9, 10]]> : tensor<4x2xi8>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = cim.read @w : tensor<4x2xi8>
  %scale = cim.constant dense<[[0.5, 2.0], [1.0, 0.25]]> : tensor<2x2xf32>
  %scaled = cim.digital "DequantizeLinear"(%w, %scale) with {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xi8>, tensor<2x2xf32>) -> tensor<4x2xf32>
  // CHECK: [[products:%.*]] = cim.matmul %x, @w.int8 : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: [[parts:%.*]] = cim.digital "Reshape"([[products]], %{{.*}}) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %y = cim.digital "ReduceSum"([[parts]], %{{.*}}) with {keepdims = 0 : i64} : (tensor<?x2x2xf32>, tensor<1xi64>) -> tensor<?x2xf32>
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}
}

// -----

// DequantizeLinear along rows, with zero points that int8 numbers cannot be moved by: these are subtracted.
// CHECK: cim.weight @w.int8 = dense<{{\[\[}}1, 2, 3], [4, 5, -128]]> : tensor<2x3xi8> as #cim.affine<@w.scale>
cim.weight @w = dense<[[1, 2, 3], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = cim.read @w : tensor<2x3xi8>
  %scale = cim.constant dense<[0.5, 2.0]> : tensor<2xf32>
  %zero = cim.constant dense<[1, 2]> : tensor<2xi8>
  %scaled = cim.digital "DequantizeLinear"(%w, %scale, %zero) with {axis = 0 : i64} : (tensor<2x3xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x3xf32>
  // CHECK: [[factors:%.*]] = cim.constant dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
  // CHECK: [[scaled:%.*]] = cim.digital "Mul"(%x, [[factors]])
  // CHECK: [[product:%.*]] = cim.matmul [[scaled]], @w.int8
  // CHECK: [[zeros:%.*]] = cim.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  // CHECK: [[shares:%.*]] = cim.digital "Mul"([[scaled]], [[zeros]])
  // CHECK: [[sum:%.*]] = cim.digital "ReduceSum"([[shares]], %{{.*}}) with {keepdims = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  // CHECK: %y = cim.digital "Sub"([[product]], [[sum]])
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// A scale for every two columns of a row, that is no product: inputs of its own for each two.
// CHECK: cim.weight @w.int8 = dense<{{\[\[\[}}1, -2], [4, 5]], {{\[\[}}7, 8], [9, 10]]]> : tensor<2x2x2xi8> as #cim.affine<@w.scale> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
builtin.module attributes {"cim.opsets" = ["ai.onnx:21"]} {
cim.weight @w = dense<[[1, -2, 7, 8], [4, 5, 9, 10]]> : tensor<2x4xi8>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %w = cim.read @w : tensor<2x4xi8>
  %scale = cim.constant dense<[[0.5, 2.0], [1.0, 0.25]]> : tensor<2x2xf32>
  %scaled = cim.digital "DequantizeLinear"(%w, %scale) with {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x4xi8>, tensor<2x2xf32>) -> tensor<2x4xf32>
  // CHECK: [[split:%.*]] = cim.digital "Reshape"(%x, %{{.*}}) : (tensor<?x2xf32>, tensor<4xi64>) -> tensor<?x1x1x2xf32>
  // CHECK: [[factors:%.*]] = cim.constant dense<{{\[\[\[}}5.000000e-01, 1.000000e+00], [2.000000e+00, 2.500000e-01]]]> : tensor<1x2x2xf32>
  // CHECK: [[scaled:%.*]] = cim.digital "Mul"([[split]], [[factors]]) : (tensor<?x1x1x2xf32>, tensor<1x2x2xf32>) -> tensor<?x1x2x2xf32>
  // CHECK: [[inputs:%.*]] = cim.digital "Reshape"([[scaled]], %{{.*}}) : (tensor<?x1x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  // CHECK: %y = cim.matmul [[inputs]], @w.int8
  %y = cim.digital "MatMul"(%x, %scaled) : (tensor<?x2xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}
}

// -----

// The transposed weight of a network that multiplies by both: two weights.
// CHECK: cim.weight @w = {{.*}} : tensor<2x3xf32>
// CHECK: cim.weight @w.transposed = {{.*}} : tensor<3x2xf32>
cim.weight @w = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = cim.read @w : tensor<2x3xf32>
  %turned = cim.digital "Transpose"(%w) with {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: %y = cim.matmul %x, @w :
  %y = cim.digital "MatMul"(%x, %w) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  // CHECK: %z = cim.matmul %y, @w.transposed :
  %z = cim.digital "MatMul"(%y, %turned) : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  func.return %z : tensor<?x2xf32>
}
