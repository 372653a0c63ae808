// RUN: cim-opt %s --split-input-file -p raise-matmul --verify-each | filecheck %s

// A kernel of three with a border: one vector for each position, of the points it sees and their channels.
// CHECK: cim.weight @kernel.matrix = dense<{{\[\[}}1.000000e+00], [4.000000e+00], [2.000000e+00], [5.000000e+00], [3.000000e+00], [6.000000e+00]]> : tensor<6x1xf32>
func.func @main(%x: tensor<?x2x4xf32>) -> tensor<?x1x4xf32> {
  %kernel = cim.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 0, 2, 1>} : (tensor<?x2x4xf32>) -> tensor<?x4x2xf32>
  // CHECK: %1 = cim.constant dense<[0, 1, 0, 0, 1, 0]> : tensor<6xi64>
  // CHECK: %2 = cim.digital "Pad"(%0, %1) : (tensor<?x4x2xf32>, tensor<6xi64>) -> tensor<?x6x2xf32>
  // CHECK: %3 = cim.constant dense<{{\[\[}}0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]> : tensor<4x3xi32>
  // CHECK: %4 = cim.digital "Gather"(%2, %3) with {axis = 1 : i64} : (tensor<?x6x2xf32>, tensor<4x3xi32>) -> tensor<?x4x3x2xf32>
  // CHECK: %6 = cim.digital "Reshape"(%4, %5) : (tensor<?x4x3x2xf32>, tensor<3xi64>) -> tensor<?x4x6xf32>
  // CHECK: %7 = cim.matmul %6, @kernel.matrix : tensor<?x4x6xf32> -> tensor<?x4x1xf32>
  // CHECK: %y = cim.digital "Transpose"(%7) with {perm = array<i64: 0, 2, 1>} : (tensor<?x4x1xf32>) -> tensor<?x1x4xf32>
  %y = cim.digital "Conv"(%x, %kernel) with {pads = array<i64: 1, 1>} : (tensor<?x2x4xf32>, tensor<1x2x3xf32>) -> tensor<?x1x4xf32>
  func.return %y : tensor<?x1x4xf32>
}

// -----

// A size that is not known: the table of places is computed from it, before the run.
// CHECK: func.func @main(%x: tensor<1x1x?xf32>)
func.func @main(%x: tensor<1x1x?xf32>) -> tensor<1x1x?xf32> {
  %kernel = cim.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  // CHECK: cim.digital "Shape"
  // CHECK: cim.digital "Sub"
  // CHECK: cim.digital "Range"
  // CHECK: cim.digital "Gather"(%{{.*}}) with {axis = 1 : i64} : (tensor<1x?x1xf32>, tensor<?x2xi64>) -> tensor<1x?x2x1xf32>
  %y = cim.digital "Conv"(%x, %kernel) with {strides = array<i64: 3>} : (tensor<1x1x?xf32>, tensor<1x1x2xf32>) -> tensor<1x1x?xf32>
  func.return %y : tensor<1x1x?xf32>
}

// -----

// A convolution with kernel 1 and two groups, with a bias.
// CHECK:      cim.weight @kernel.blocks = dense<{{\[\[}}[1.000000e+00], [2.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00], [4.000000e+00{{\]\]}}]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
func.func @main(%x: tensor<?x4x5xf32>) -> tensor<?x2x5xf32> {
  %kernel = cim.constant dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32>
  %bias = cim.constant dense<[5.0, 6.0]> : tensor<2xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 0, 2, 1>} : (tensor<?x4x5xf32>) -> tensor<?x5x4xf32>
  // CHECK: %1 = cim.matmul %0, @kernel.blocks : tensor<?x5x4xf32> -> tensor<?x5x2xf32>
  // CHECK: %2 = cim.digital "Add"(%1, %bias) : (tensor<?x5x2xf32>, tensor<2xf32>) -> tensor<?x5x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%2) with {perm = array<i64: 0, 2, 1>} : (tensor<?x5x2xf32>) -> tensor<?x2x5xf32>
  // CHECK: func.return
  %y = cim.digital "Conv"(%x, %kernel, %bias) with {group = 2 : i64} : (tensor<?x4x5xf32>, tensor<2x2x1xf32>, tensor<2xf32>) -> tensor<?x2x5xf32>
  func.return %y : tensor<?x2x5xf32>
}

// -----

// A dequantised kernel keeps its integers, less their zero point.
// CHECK: cim.weight @kernel.scale = dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
// CHECK: cim.weight @kernel.int8 = dense<{{\[\[}}-1, -3], [0, -2]]> : tensor<2x2xi8> as #cim.affine<@kernel.scale>
func.func @main(%x: tensor<1x1x4xf32>) -> tensor<1x2x3xf32> {
  %kernel = cim.constant dense<[[[1, 2]], [[3, 4]]]> : tensor<2x1x2xi8>
  %scale = cim.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %zero = cim.constant dense<[2, 6]> : tensor<2xi8>
  %floats = cim.digital "DequantizeLinear"(%kernel, %scale, %zero) with {axis = 0 : i64} : (tensor<2x1x2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x1x2xf32>
  // CHECK: cim.matmul %{{.*}}, @kernel.int8 : tensor<1x3x2xf32> -> tensor<1x3x2xf32>
  %y = cim.digital "Conv"(%x, %floats) : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
  func.return %y : tensor<1x2x3xf32>
}

// -----

// Transposed, with kernels side by side: what a position adds is moved into place.
// CHECK: cim.weight @kernel.matrix = dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
func.func @main(%x: tensor<1x1x3xf32>) -> tensor<1x1x6xf32> {
  %kernel = cim.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  // CHECK: cim.matmul %{{.*}}, @kernel.matrix : tensor<1x3x1xf32> -> tensor<1x3x2xf32>
  // CHECK-NOT: ReduceSum
  // CHECK: %y = cim.digital "Reshape"(%{{.*}}) : (tensor<1x1x3x2xf32>, tensor<3xi64>) -> tensor<1x1x6xf32>
  %y = cim.digital "ConvTranspose"(%x, %kernel) with {strides = array<i64: 2>} : (tensor<1x1x3xf32>, tensor<1x1x2xf32>) -> tensor<1x1x6xf32>
  func.return %y : tensor<1x1x6xf32>
}

// -----

// Integers of a convolution are gathered as they are, the border being the zero point of the input.
// CHECK: cim.weight @kernel.int8 = dense<{{\[\[}}1], [2], [3]]> : tensor<3x1xi8>
func.func @main(%x: tensor<1x1x4xui8>, %zero: tensor<ui8>) -> tensor<1x1x4xi32> {
  %kernel = cim.constant dense<[[[1, 2, 3]]]> : tensor<1x1x3xi8>
  // CHECK: %[[PADDED:.*]] = cim.digital "Pad"(%{{.*}}, %{{.*}}, %zero) : (tensor<1x4x1xui8>, tensor<6xi64>, tensor<ui8>) -> tensor<1x6x1xui8>
  // CHECK: cim.matmul %{{.*}}, @kernel.int8 : tensor<1x4x3xui8> -> tensor<1x4x1xi32>
  // CHECK: cim.digital "Sub"
  %y = cim.digital "ConvInteger"(%x, %kernel, %zero) with {pads = array<i64: 1, 1>} : (tensor<1x1x4xui8>, tensor<1x1x3xi8>, tensor<ui8>) -> tensor<1x1x4xi32>
  func.return %y : tensor<1x1x4xi32>
}
