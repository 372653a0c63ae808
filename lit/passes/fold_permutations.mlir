// RUN: cim-opt %s --split-input-file -p fold-permutations --verify-each | filecheck %s

// A permutation of a permutation is one.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @order = dense<[2, 1, 0]> : tensor<3xi64>
cim.weight @p = dense<[2, 0, 1]> : tensor<3xi64>
cim.weight @q = dense<[0, 2, 1]> : tensor<3xi64>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %a = cim.permute %x, @p : tensor<?x3xf32> -> tensor<?x3xf32>
  // CHECK: %y = cim.permute %x, @order : tensor<?x3xf32> -> tensor<?x3xf32>
  // CHECK: func.return
  %y = cim.permute %a, @q : tensor<?x3xf32> -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// A permutation and its inverse vanish.
// CHECK: cim.permutations_before_folding = 2 : i64
cim.weight @p = dense<[2, 0, 1]> : tensor<3xi64>
cim.weight @q = dense<[1, 2, 0]> : tensor<3xi64>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %a = cim.permute %x, @p : tensor<?x3xf32> -> tensor<?x3xf32>
  %b = cim.permute %a, @q : tensor<?x3xf32> -> tensor<?x3xf32>
  // CHECK: %y = cim.digital "Relu"(%x) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: func.return
  %y = cim.digital "Relu"(%b) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// So does the identity, but not a choice of the first elements.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @first = dense<[0, 1]> : tensor<2xi64>
cim.weight @identity = dense<[0, 1, 2]> : tensor<3xi64>
cim.weight @first = dense<[0, 1]> : tensor<2xi64>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %a = cim.permute %x, @identity : tensor<?x3xf32> -> tensor<?x3xf32>
  // CHECK: %y = cim.permute %x, @first : tensor<?x3xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.permute %a, @first : tensor<?x3xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Equal permutations of one value are executed once.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @p = dense<[1, 0]> : tensor<2xi64>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
cim.weight @q = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = cim.permute %x, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %a = cim.permute %x, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %b = cim.permute %x, @q : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %a, %b : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Rows of a dense weight; an element that is not chosen meets a row of zeros.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.ordered = dense<{{\[\[}}3.000000e+00, 4.000000e+00], [0.000000e+00, 0.000000e+00], [1.000000e+00, 2.000000e+00{{\]\]}}> : tensor<3x2xf32>
cim.weight @choice = dense<[2, 0]> : tensor<2xi64>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %a = cim.permute %x, @choice : tensor<?x3xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.matmul %x, @w.ordered : tensor<?x3xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Where 0 does not stand for zero, it does not: rows of zeros would count.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w = dense<{{\[\[}}1, 2], [3, 4{{\]\]}}> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
// CHECK-NOT:  @w.ordered
cim.weight @choice = dense<[2, 0]> : tensor<2xi64>
cim.weight @w = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 0.25]> : tensor<2xf32>
cim.weight @zero = dense<[7, 8]> : tensor<2xi32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  // CHECK: %a = cim.permute %x, @choice : tensor<?x3xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %a = cim.permute %x, @choice : tensor<?x3xf32> -> tensor<?x2xf32>
  %y = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// A weight whose rows are all chosen keeps its zero point.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.ordered = dense<{{\[\[}}3, 4], [1, 2{{\]\]}}> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
cim.weight @swap = dense<[1, 0]> : tensor<2xi64>
cim.weight @w = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 0.25]> : tensor<2xf32>
cim.weight @zero = dense<[7, 8]> : tensor<2xi32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %a = cim.permute %x, @swap : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.matmul %x, @w.ordered : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Columns of a dense weight, with scale and zero point.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.scale = dense<[1.250000e-01, 5.000000e-01, 2.500000e-01]> : tensor<3xf32>
// CHECK-NEXT: cim.weight @w.zero = dense<[9, 7, 8]> : tensor<3xi32>
// CHECK-NEXT: cim.weight @w.ordered = dense<{{\[\[}}3, 1, 2], [6, 4, 5{{\]\]}}> : tensor<2x3xi8> as #cim.affine<@w.scale, @w.zero>
cim.weight @w = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
cim.weight @zero = dense<[7, 8, 9]> : tensor<3xi32>
cim.weight @p = dense<[2, 0, 1]> : tensor<3xi64>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32>
  // CHECK: %y = cim.matmul %x, @w.ordered : tensor<?x2xf32> -> tensor<?x3xf32>
  // CHECK: func.return
  %y = cim.permute %a, @p : tensor<?x3xf32> -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// Integers just so.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @w.ordered.ordered = dense<{{\[\[}}4, 3], [2, 1{{\]\]}}> : tensor<2x2xi8>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
cim.weight @w = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
func.func @main(%x: tensor<?x2xui8>) -> tensor<?x2xi32> {
  %a = cim.permute %x, @p : tensor<?x2xui8> -> tensor<?x2xui8>
  %b = cim.matmul %a, @w : tensor<?x2xui8> -> tensor<?x2xi32>
  // CHECK: %y = cim.matmul %x, @w.ordered.ordered : tensor<?x2xui8> -> tensor<?x2xi32>
  // CHECK: func.return
  %y = cim.permute %b, @p : tensor<?x2xi32> -> tensor<?x2xi32>
  func.return %y : tensor<?x2xi32>
}

// -----

// Columns of blocks: they are delivered in another order.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.order = dense<[1, 3, 2, 0]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w.1 = dense<{{\[\[}}[1.000000e+00, 2.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00{{\]\]}}]> : tensor<2x1x2xf32> structure #cim.block_diagonal<2 blocks of 1x2, "block_diagonal", columns = @w.order>
cim.weight @w = dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32> structure #cim.block_diagonal<2 blocks of 1x2, "block_diagonal">
cim.weight @p = dense<[3, 0, 2, 1]> : tensor<4xi64>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.matmul %x, @w.1 : tensor<?x2xf32> -> tensor<?x4xf32>
  // CHECK: func.return
  %y = cim.permute %a, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}

// -----

// Blocks and the rows in them change places; their columns stay where they were.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.order = dense<[1, 0]> : tensor<2xi64>
// CHECK-NEXT: cim.weight @w.ordered = dense<{{\[\[}}[3.000000e+00], [4.000000e+00{{\]\]}}, {{\[\[}}2.000000e+00], [1.000000e+00{{\]\]}}]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal", columns = @w.order>
cim.weight @p = dense<[3, 2, 0, 1]> : tensor<4xi64>
cim.weight @w = dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %a = cim.permute %x, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.matmul %x, @w.ordered : tensor<?x4xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Whatever dimensions come before the vectors.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK-NOT: cim.permute
cim.weight @p = dense<[3, 2, 0, 1]> : tensor<4xi64>
cim.weight @w = dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
func.func @main(%x: tensor<?x3x4xf32>) -> tensor<?x3x2xf32> {
  %a = cim.permute %x, @p : tensor<?x3x4xf32> -> tensor<?x3x4xf32>
  // CHECK: %y = cim.matmul %x, @w.ordered : tensor<?x3x4xf32> -> tensor<?x3x2xf32>
  %y = cim.matmul %a, @w : tensor<?x3x4xf32> -> tensor<?x3x2xf32>
  func.return %y : tensor<?x3x2xf32>
}

// -----

// Rows that would change their block do not: the permutation stays.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w = dense<{{\[\[}}[1.000000e+00], [2.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00], [4.000000e+00{{\]\]}}]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
cim.weight @w = dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %a = cim.permute %x, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %a = cim.permute %x, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Past a bias, whose elements change places, and an activation function.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.ordered = dense<{{\[\[}}2.000000e+00, 1.000000e+00], [4.000000e+00, 3.000000e+00{{\]\]}}> : tensor<2x2xf32>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %bias = cim.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %slope = cim.constant dense<2.0> : tensor<f32>
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  %b = cim.digital "Add"(%a, %bias) : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %c = cim.digital "Mul"(%slope, %b) : (tensor<f32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %d = cim.digital "LeakyRelu"(%c) with {alpha = 0.5 : f32} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  // CHECK: %0 = cim.matmul %x, @w.ordered : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %2 = cim.digital "Add"(%0, %1) : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  // CHECK: %3 = cim.digital "Mul"(%slope, %2) : (tensor<f32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  // CHECK: %y = cim.digital "LeakyRelu"(%3) with {alpha = 5.000000e-01 : f32} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.permute %d, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Not past what mixes elements, nor past a value that others use as it is.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @w = dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00{{\]\]}}> : tensor<2x2xf32>
// CHECK-NEXT: cim.weight @p = dense<[1, 0]> : tensor<2xi64>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  %b = cim.digital "Softmax"(%a) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %c = cim.digital "Relu"(%b) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %d = cim.permute %b, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %b = cim.digital "Softmax"(%a) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  // CHECK: %c = cim.digital "Relu"(%b) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  // CHECK: %d = cim.permute %b, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.permute %c, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.permute %c, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y, %c, %d : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// A Gather of the last axis is a permutation; one of another axis, or of integers, is none.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w.ordered = dense<{{\[\[}}3.000000e+00, 4.000000e+00], [1.000000e+00, 2.000000e+00{{\]\]}}> : tensor<2x2xf32>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>) -> (tensor<2x2xf32>, tensor<?x2xi64>) {
  %swap = cim.constant dense<[-1, 0]> : tensor<2xi64>
  %g = cim.digital "Gather"(%i, %swap) with {axis = 1 : i64} : (tensor<?x2xi64>, tensor<2xi64>) -> tensor<?x2xi64>
  %a = cim.digital "Gather"(%x, %swap) with {axis = -1 : i64} : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  %b = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %g = cim.digital "Gather"(%i, %swap) with {axis = 1 : i64} : (tensor<?x2xi64>, tensor<2xi64>) -> tensor<?x2xi64>
  // CHECK: %b = cim.matmul %x, @w.ordered : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.digital "Gather"(%b, %swap) with {axis = 0 : i64} : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  // CHECK: func.return
  %y = cim.digital "Gather"(%b, %swap) with {axis = 0 : i64} : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  func.return %y, %g : tensor<2x2xf32>, tensor<?x2xi64>
}

// -----

// A Monarch product: the permutation between its factors stays, the one after them becomes an order of columns.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @w1 = dense<1.000000e+00> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w2.order = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w2.1 = dense<{{\[\[}}[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00{{\]\]}}, {{\[\[}}5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00{{\]\]}}]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @w2.order>
cim.weight @w1 = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
cim.weight @w2 = dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %bias = cim.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %a = cim.matmul %x, @w1 : tensor<?x4xf32> -> tensor<?x4xf32>
  %b = cim.permute %a, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = cim.matmul %b, @w2 : tensor<?x4xf32> -> tensor<?x4xf32>
  %d = cim.permute %c, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %a = cim.matmul %x, @w1 : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %b = cim.permute %a, @p : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %d = cim.matmul %b, @w2.1 : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.digital "Add"(%d, %bias) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: func.return
  %y = cim.digital "Add"(%d, %bias) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}

// -----

// A weight of two nodes would have to be stored twice: only one of them wants another order.
// CHECK: cim.permutations_before_folding = 1 : i64
// CHECK:      cim.weight @w = dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00{{\]\]}}> : tensor<2x2xf32>
// CHECK-NEXT: cim.weight @p = dense<[1, 0]> : tensor<2xi64>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  %b = cim.permute %a, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %b = cim.permute %a, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.matmul %b, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.matmul %b, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y, %b : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// If both want the same, it is stored once.
// CHECK: cim.permutations_before_folding = 2 : i64
// CHECK:      cim.weight @w.ordered = dense<{{\[\[}}2.000000e+00, 1.000000e+00], [4.000000e+00, 3.000000e+00{{\]\]}}> : tensor<2x2xf32>
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>, %z: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  %b = cim.permute %a, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  %c = cim.matmul %z, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %b = cim.matmul %x, @w.ordered : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: %y = cim.matmul %z, @w.ordered : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK: func.return
  %y = cim.permute %c, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y, %b : tensor<?x2xf32>, tensor<?x2xf32>
}
