// RUN: cim-opt %s --split-input-file -p detect-block-diagonal --verify-each | filecheck %s

// A batched product whose batches are blocks: tokens first, blocks and their inputs one vector.
// CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00, 2.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00{{\]\]}}]> : tensor<2x1x2xf32> structure #cim.block_diagonal<2 blocks of 1x2, "block_diagonal">
cim.weight @w = dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
func.func @main(%x: tensor<2x?x1xf32>) -> tensor<2x?x2xf32> {
  %w = cim.read @w : tensor<2x1x2xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x1xf32>) -> tensor<?x2x1xf32>
  // CHECK: %2 = cim.digital "Reshape"(%0, %1) : (tensor<?x2x1xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  // CHECK: %3 = cim.matmul %2, @w.blocks : tensor<?x2xf32> -> tensor<?x4xf32>
  // CHECK: %5 = cim.digital "Reshape"(%3, %4) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%5) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: func.return
  %y = cim.digital "MatMul"(%x, %w) : (tensor<2x?x1xf32>, tensor<2x1x2xf32>) -> tensor<2x?x2xf32>
  func.return %y : tensor<2x?x2xf32>
}

// -----

// The same with the weight on the left.
// CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00], [2.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00], [4.000000e+00{{\]\]}}]> : tensor<2x2x1xf32> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
cim.weight @w = dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
func.func @main(%x: tensor<2x2x?xf32>) -> tensor<2x1x?xf32> {
  %w = cim.read @w : tensor<2x1x2xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 2, 0, 1>} : (tensor<2x2x?xf32>) -> tensor<?x2x2xf32>
  // CHECK: %2 = cim.digital "Reshape"(%0, %1) : (tensor<?x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  // CHECK: %3 = cim.matmul %2, @w.blocks : tensor<?x4xf32> -> tensor<?x2xf32>
  // CHECK: %5 = cim.digital "Reshape"(%3, %4) : (tensor<?x2xf32>, tensor<3xi64>) -> tensor<?x2x1xf32>
  // CHECK: %y = cim.digital "Transpose"(%5) with {perm = array<i64: 1, 2, 0>} : (tensor<?x2x1xf32>) -> tensor<2x1x?xf32>
  // CHECK: func.return
  %y = cim.digital "MatMul"(%w, %x) : (tensor<2x1x2xf32>, tensor<2x2x?xf32>) -> tensor<2x1x?xf32>
  func.return %y : tensor<2x1x?xf32>
}

// -----

// What exporters write around it: Reshape and Transpose are nothing but the vectors themselves.
// CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00], [7.000000e+00, 8.000000e+00{{\]\]}}]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
cim.weight @w = dense<[[[1.0, 2.0], [5.0, 6.0]], [[3.0, 4.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = cim.read @w : tensor<2x2x2xf32>
  %split = cim.constant dense<[0, 2, 2]> : tensor<3xi64>
  %join = cim.constant dense<[0, 4]> : tensor<2xi64>
  %1 = cim.digital "Reshape"(%x, %split) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  %2 = cim.digital "Transpose"(%1) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  %3 = cim.digital "MatMul"(%2, %w) : (tensor<2x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>
  %4 = cim.digital "Transpose"(%3) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  %5 = cim.digital "Reshape"(%4, %join) : (tensor<?x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  // CHECK: %0 = cim.matmul %x, @w.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.digital "Relu"(%0) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: func.return
  %y = cim.digital "Relu"(%5) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}

// -----

// An einsum, with blanks and an ellipsis.
// CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00, 2.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00{{\]\]}}]> : tensor<2x1x2xf32> structure #cim.block_diagonal<2 blocks of 1x2, "block_diagonal">
cim.weight @w = dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
func.func @main(%x: tensor<?x?x2x1xf32>) -> tensor<?x?x2x2xf32> {
  %w = cim.read @w : tensor<2x1x2xf32>
  // CHECK: %1 = cim.digital "Reshape"(%x, %0) : (tensor<?x?x2x1xf32>, tensor<3xi64>) -> tensor<?x?x2xf32>
  // CHECK: %2 = cim.matmul %1, @w.blocks : tensor<?x?x2xf32> -> tensor<?x?x4xf32>
  // CHECK: %y = cim.digital "Reshape"(%2, %3) : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  // CHECK: func.return
  %y = cim.digital "Einsum"(%x, %w) with {equation = "... k p, k p q -> ...kq"} : (tensor<?x?x2x1xf32>, tensor<2x1x2xf32>) -> tensor<?x?x2x2xf32>
  func.return %y : tensor<?x?x2x2xf32>
}

// -----

// An einsum of three operands is a Monarch layer: a permutation is left between its factors.
// CHECK:      cim.weight @w1.blocks = dense<1.000000e+00> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @w2.blocks = dense<2.000000e+00> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @order = dense<[0, 2, 1, 3]> : tensor<4xi64>
cim.weight @w1 = dense<1.0> : tensor<2x2x2xf32>
cim.weight @w2 = dense<2.0> : tensor<2x2x2xf32>
func.func @main(%x: tensor<?x2x2xf32>) -> tensor<?x2x2xf32> {
  %w1 = cim.read @w1 : tensor<2x2x2xf32>
  %w2 = cim.read @w2 : tensor<2x2x2xf32>
  // CHECK: %1 = cim.digital "Reshape"(%x, %0) : (tensor<?x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  // CHECK: %2 = cim.matmul %1, @w1.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %3 = cim.permute %2, @order : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %4 = cim.matmul %3, @w2.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %6 = cim.digital "Reshape"(%4, %5) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%6) with {perm = array<i64: 0, 2, 1>} : (tensor<?x2x2xf32>) -> tensor<?x2x2xf32>
  // CHECK: func.return
  %y = cim.digital "Einsum"(%x, %w1, %w2) with {equation = "bkp,kpl,lks->bsl"} : (tensor<?x2x2xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>) -> tensor<?x2x2xf32>
  func.return %y : tensor<?x2x2xf32>
}

// -----

// A dense weight that has blocks under some order of its rows and columns.
// CHECK:      cim.weight @w.rows = dense<[0, 2, 1, 3]> : tensor<4xi64>
// CHECK-NEXT: cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00], [7.000000e+00, 8.000000e+00{{\]\]}}]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
// CHECK-NEXT: cim.weight @w.columns = dense<[0, 2, 1, 3]> : tensor<4xi64>
cim.weight @w = dense<[[1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 0.0, 4.0], [5.0, 0.0, 6.0, 0.0], [0.0, 7.0, 0.0, 8.0]]> : tensor<4x4xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %0 = cim.permute %x, @w.rows : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %1 = cim.matmul %0, @w.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %y = cim.permute %1, @w.columns : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32> loc("/fc")
  func.return %y : tensor<?x4xf32>
}

// -----

// Blocks of different shapes, in integers: what equals the zero point is zero.
// CHECK:      cim.weight @w.blocks.scale = dense<[5.000000e-01, 2.500000e-01, 1.250000e-01]> : tensor<3xf32>
// CHECK-NEXT: cim.weight @w.blocks = dense<{{\[\[}}-4, -3, 0], [-2, -1, 0], [0, 0, -1{{\]\]}}> : tensor<3x3xi8> as #cim.affine<@w.blocks.scale> structure #cim.blocks<"block_diagonal", [rows 0 to 1, columns 0 to 1], [rows 2 to 2, columns 2 to 2]>
cim.weight @w = dense<[[1, 2, 7], [3, 4, 7], [5, 5, 6]]> : tensor<3x3xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
cim.weight @zero = dense<[5, 5, 7]> : tensor<3xi32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // CHECK: %y = cim.matmul %x, @w.blocks : tensor<?x3xf32> -> tensor<?x3xf32>
  // CHECK: func.return
  %y = cim.matmul %x, @w : tensor<?x3xf32> -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// Rows and columns of zeros are not stored.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  // CHECK:      cim.weight @w.rows = dense<[1, 2]> : tensor<2xi64>
  // CHECK-NEXT: cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00], [2.000000e+00{{\]\]}}]> : tensor<1x2x1xf32> structure #cim.block_diagonal<1 blocks of 2x1, "block_diagonal">
  // CHECK-NEXT: cim.weight @w.columns = dense<[1, 0, 2]> : tensor<3xi64>
  cim.weight @w = dense<[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 2.0, 0.0]]> : tensor<3x3xf32>
  func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    // CHECK: %0 = cim.permute %x, @w.rows : tensor<?x3xf32> -> tensor<?x2xf32>
    // CHECK: %1 = cim.matmul %0, @w.blocks : tensor<?x2xf32> -> tensor<?x1xf32>
    // CHECK: %3 = cim.digital "Pad"(%1, %2) : (tensor<?x1xf32>, tensor<4xi64>) -> tensor<?x3xf32>
    // CHECK: %y = cim.permute %3, @w.columns : tensor<?x3xf32> -> tensor<?x3xf32>
    // CHECK: func.return
    %y = cim.matmul %x, @w : tensor<?x3xf32> -> tensor<?x3xf32>
    func.return %y : tensor<?x3xf32>
  }
}

// -----

// Nearly all of a weight is no structure: the head of a network has an empty column where padding is embedded as zeros.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<[[1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0, 8.0, 9.0], [20.0, 21.0, 22.0, 0.0, 24.0, 25.0, 26.0, 27.0, 28.0], [47.0, 48.0, 49.0, 0.0, 51.0, 52.0, 53.0, 54.0, 55.0]]> : tensor<3x9xf32>
  func.func @main(%x: tensor<?x3xf32>) -> tensor<?x9xf32> {
    // CHECK: %y = cim.matmul %x, @w : tensor<?x3xf32> -> tensor<?x9xf32>
    // CHECK: func.return
    %y = cim.matmul %x, @w : tensor<?x3xf32> -> tensor<?x9xf32>
    func.return %y : tensor<?x9xf32>
  }
}

// -----

// A dense weight that is exactly the product of two factors of two blocks.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  // CHECK:      cim.weight @w.monarch1 = dense<{{.*}}> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
  // CHECK-NEXT: cim.weight @w.middle = dense<[0, 2, 1, 3]> : tensor<4xi64>
  // CHECK-NEXT: cim.weight @w.monarch2 = dense<{{.*}}> : tensor<2x2x4xf32> structure #cim.block_diagonal<2 blocks of 2x4, "monarch">
  // CHECK-NEXT: cim.weight @w.outputs = dense<[0, 4, 1, 5, 2, 6, 3, 7]> : tensor<8xi64>
  cim.weight @w = dense<[[1.0, 1.0, 2.0, 3.0, 3.0, 5.0, 4.0, 7.0], [2.0, 2.0, 4.0, 6.0, 6.0, 10.0, 8.0, 14.0], [-1.0, -1.0, 0.0, 1.0, 1.0, 3.0, 2.0, 5.0], [-3.0, -3.0, 0.0, 3.0, 3.0, 9.0, 6.0, 15.0]]> : tensor<4x8xf32>
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
    // CHECK: %0 = cim.matmul %x, @w.monarch1 : tensor<?x4xf32> -> tensor<?x4xf32>
    // CHECK: %1 = cim.permute %0, @w.middle : tensor<?x4xf32> -> tensor<?x4xf32>
    // CHECK: %2 = cim.matmul %1, @w.monarch2 : tensor<?x4xf32> -> tensor<?x8xf32>
    // CHECK: %y = cim.permute %2, @w.outputs : tensor<?x8xf32> -> tensor<?x8xf32>
    // CHECK: func.return
    %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x8xf32>
    func.return %y : tensor<?x8xf32>
  }
}

// -----

// A weight that is almost block-diagonal stays dense, and the module tells.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  // CHECK: #layer_notes = [{node = "/fc", almost = "99.98 % of the mass lies in 2 blocks"}]
  // CHECK:      cim.weight @w = dense<{{\[\[}}9.000000e+00, 9.000000e+00, 1.000000e-01, 1.000000e-01], [8.000000e+00, 9.000000e+00, 1.000000e-01, 1.000000e-01], [1.000000e-01, 1.000000e-01, 9.000000e+00, 9.000000e+00], [1.000000e-01, 1.000000e-01, 9.000000e+00, 8.000000e+00{{\]\]}}> : tensor<4x4xf32>
  cim.weight @w = dense<[[9.0, 9.0, 0.1, 0.1], [8.0, 9.0, 0.1, 0.1], [0.1, 0.1, 9.0, 9.0], [0.1, 0.1, 9.0, 8.0]]> : tensor<4x4xf32>
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    // CHECK: %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
    // CHECK: func.return
    %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32> loc("/fc")
    func.return %y : tensor<?x4xf32>
  }
}

// -----

// A channel shuffle before the blocks is a permutation.
// CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00], [7.000000e+00, 8.000000e+00{{\]\]}}]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
// CHECK-NEXT: cim.weight @order = dense<[0, 2, 1, 3]> : tensor<4xi64>
cim.weight @w = dense<[[[1.0, 2.0], [5.0, 6.0]], [[3.0, 4.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2x2xf32> {
  %w = cim.read @w : tensor<2x2x2xf32>
  %split = cim.constant dense<[0, 2, 2]> : tensor<3xi64>
  %1 = cim.digital "Reshape"(%x, %split) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  %2 = cim.digital "Transpose"(%1) with {perm = array<i64: 2, 0, 1>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  %3 = cim.digital "MatMul"(%2, %w) : (tensor<2x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: %0 = cim.permute %x, @order : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %1 = cim.matmul %0, @w.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %3 = cim.digital "Reshape"(%1, %2) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %4 = cim.digital "Transpose"(%3) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%4) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  // CHECK: func.return
  %y = cim.digital "Transpose"(%3) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  func.return %y : tensor<?x2x2xf32>
}

// -----

// Padding belongs to the vectors.
// CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[1.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00{{\]\]}}, {{\[\[}}3.000000e+00, 4.000000e+00], [7.000000e+00, 8.000000e+00{{\]\]}}]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
cim.weight @w = dense<[[[1.0, 2.0], [5.0, 6.0]], [[3.0, 4.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2x2xf32> {
  %w = cim.read @w : tensor<2x2x2xf32>
  %split = cim.constant dense<[0, 2, 2]> : tensor<3xi64>
  %pads = cim.constant dense<[0, 0, 0, 1]> : tensor<4xi64>
  %0 = cim.digital "Pad"(%x, %pads) : (tensor<?x3xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  %1 = cim.digital "Reshape"(%0, %split) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  %2 = cim.digital "Transpose"(%1) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  %3 = cim.digital "MatMul"(%2, %w) : (tensor<2x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: %0 = cim.digital "Pad"(%x, %pads) : (tensor<?x3xf32>, tensor<4xi64>) -> tensor<?x4xf32>
  // CHECK: %1 = cim.matmul %0, @w.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %3 = cim.digital "Reshape"(%1, %2) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %4 = cim.digital "Transpose"(%3) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%4) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  // CHECK: func.return
  %y = cim.digital "Transpose"(%3) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  func.return %y : tensor<?x2x2xf32>
}

// -----

// Both factors of a square Monarch layer with only one Transpose between them.
// CHECK:      cim.weight @w1.blocks = dense<1.000000e+00> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @w2.blocks = dense<2.000000e+00> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
// CHECK-NEXT: cim.weight @order = dense<[0, 2, 1, 3]> : tensor<4xi64>
cim.weight @w1 = dense<1.0> : tensor<2x2x2xf32>
cim.weight @w2 = dense<2.0> : tensor<2x2x2xf32>
func.func @main(%x: tensor<2x?x2xf32>) -> tensor<2x?x2xf32> {
  %w1 = cim.read @w1 : tensor<2x2x2xf32>
  %w2 = cim.read @w2 : tensor<2x2x2xf32>
  %1 = cim.digital "MatMul"(%x, %w1) : (tensor<2x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>
  %2 = cim.digital "Transpose"(%1) with {perm = array<i64: 2, 1, 0>} : (tensor<2x?x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  // CHECK: %2 = cim.digital "Reshape"(%0, %1) : (tensor<?x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  // CHECK: %3 = cim.matmul %2, @w1.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %4 = cim.permute %3, @order : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %5 = cim.matmul %4, @w2.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %7 = cim.digital "Reshape"(%5, %6) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%7) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: func.return
  %y = cim.digital "MatMul"(%2, %w2) : (tensor<2x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>
  func.return %y : tensor<2x?x2xf32>
}

// -----

// BLAST: blocks, digital couplings of all with all, blocks.
// CHECK:      cim.weight @w1.blocks = dense<1.000000e+00> : tensor<2x2x3xf32> structure #cim.block_diagonal<2 blocks of 2x3, "blast">
// CHECK-NEXT: cim.weight @w2.blocks = dense<2.000000e+00> : tensor<2x3x2xf32> structure #cim.block_diagonal<2 blocks of 3x2, "blast">
cim.weight @w1 = dense<1.0> : tensor<2x2x3xf32>
cim.weight @w2 = dense<2.0> : tensor<2x3x2xf32>
func.func @main(%x: tensor<2x?x2xf32>) -> tensor<2x?x2xf32> {
  %w1 = cim.read @w1 : tensor<2x2x3xf32>
  %w2 = cim.read @w2 : tensor<2x3x2xf32>
  %s = cim.constant dense<[[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]], [[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]]> : tensor<2x2x1x3xf32>
  %one = cim.constant dense<[0]> : tensor<1xi64>
  %axis = cim.constant dense<[1]> : tensor<1xi64>
  %1 = cim.digital "MatMul"(%x, %w1) : (tensor<2x?x2xf32>, tensor<2x2x3xf32>) -> tensor<2x?x3xf32>
  %2 = cim.digital "Unsqueeze"(%1, %one) : (tensor<2x?x3xf32>, tensor<1xi64>) -> tensor<1x2x?x3xf32>
  %3 = cim.digital "Mul"(%2, %s) : (tensor<1x2x?x3xf32>, tensor<2x2x1x3xf32>) -> tensor<2x2x?x3xf32>
  %4 = cim.digital "ReduceSum"(%3, %axis) with {keepdims = 0 : i64} : (tensor<2x2x?x3xf32>, tensor<1xi64>) -> tensor<2x?x3xf32>
  // CHECK: %0 = cim.digital "Transpose"(%x) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x2xf32>) -> tensor<?x2x2xf32>
  // CHECK: %2 = cim.digital "Reshape"(%0, %1) : (tensor<?x2x2xf32>, tensor<2xi64>) -> !vectors_4_f32
  // CHECK: %3 = cim.matmul %2, @w1.blocks : !vectors_4_f32 -> !vectors_6_f32
  // CHECK: %5 = cim.digital "Reshape"(%3, %4) : (!vectors_6_f32, tensor<3xi64>) -> tensor<?x2x3xf32>
  // CHECK: %6 = cim.digital "Transpose"(%5) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x3xf32>) -> tensor<2x?x3xf32>
  // CHECK: %7 = cim.digital "Unsqueeze"(%6, %one) : (tensor<2x?x3xf32>, tensor<1xi64>) -> tensor<1x2x?x3xf32>
  // CHECK: %8 = cim.digital "Mul"(%7, %s) : (tensor<1x2x?x3xf32>, tensor<2x2x1x3xf32>) -> tensor<2x2x?x3xf32>
  // CHECK: %9 = cim.digital "ReduceSum"(%8, %axis) with {keepdims = 0 : i64} : (tensor<2x2x?x3xf32>, tensor<1xi64>) -> tensor<2x?x3xf32>
  // CHECK: %10 = cim.digital "Transpose"(%9) with {perm = array<i64: 1, 0, 2>} : (tensor<2x?x3xf32>) -> tensor<?x2x3xf32>
  // CHECK: %12 = cim.digital "Reshape"(%10, %11) : (tensor<?x2x3xf32>, tensor<2xi64>) -> !vectors_6_f32
  // CHECK: %13 = cim.matmul %12, @w2.blocks : !vectors_6_f32 -> !vectors_4_f32
  // CHECK: %15 = cim.digital "Reshape"(%13, %14) : (!vectors_4_f32, tensor<3xi64>) -> tensor<?x2x2xf32>
  // CHECK: %y = cim.digital "Transpose"(%15) with {perm = array<i64: 1, 0, 2>} : (tensor<?x2x2xf32>) -> tensor<2x?x2xf32>
  // CHECK: func.return
  %y = cim.digital "MatMul"(%4, %w2) : (tensor<2x?x3xf32>, tensor<2x3x2xf32>) -> tensor<2x?x2xf32>
  func.return %y : tensor<2x?x2xf32>
}
