// RUN: cim-opt %s --split-input-file -p raise-matmul | filecheck %s

// Multiplications of two activations, of integers that are no bytes, and those of vectors with a matrix each stay.
cim.weight @batch = dense<1.0> : tensor<2x2x3xf32>
cim.weight @vector = dense<1.0> : tensor<2xf32>
cim.weight @longs = dense<1> : tensor<2x3xi64>
cim.weight @empty = #cim.data<"empty", "00"> : tensor<2x0xf32>
func.func @main(%x: tensor<?x2xf32>, %other: tensor<2x3xf32>, %n: tensor<?x2xi64>, %many: tensor<?x5x2xf32>, %each: tensor<2x?x2xf32>) -> (tensor<?x3xf32>, tensor<2x5x3xf32>, tensor<2x?x3xf32>, tensor<?x3xi64>, tensor<2xf32>) {
  // CHECK: %both = cim.digital "MatMul"(%x, %other)
  %both = cim.digital "MatMul"(%x, %other) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %batch = cim.read @batch : tensor<2x2x3xf32>
  // CHECK: %open = cim.digital "MatMul"(%many, %batch)
  %open = cim.digital "MatMul"(%many, %batch) : (tensor<?x5x2xf32>, tensor<2x2x3xf32>) -> tensor<2x5x3xf32>
  // CHECK: %batched = cim.digital "MatMul"(%each, %batch)
  %batched = cim.digital "MatMul"(%each, %batch) : (tensor<2x?x2xf32>, tensor<2x2x3xf32>) -> tensor<2x?x3xf32>
  %vector = cim.read @vector : tensor<2xf32>
  %longs = cim.read @longs : tensor<2x3xi64>
  // CHECK: %whole = cim.digital "MatMul"(%n, %longs)
  %whole = cim.digital "MatMul"(%n, %longs) : (tensor<?x2xi64>, tensor<2x3xi64>) -> tensor<?x3xi64>
  %left = cim.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // CHECK: %column = cim.digital "MatMul"(%left, %vector)
  %column = cim.digital "MatMul"(%left, %vector) : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %both, %open, %batched, %whole, %column : tensor<?x3xf32>, tensor<2x5x3xf32>, tensor<2x?x3xf32>, tensor<?x3xi64>, tensor<2xf32>
}

// -----

// So do convolutions that ONNX Runtime refuses, those with a kernel of another type, and multiplications of unknown shape.
cim.weight @wide = dense<1.0> : tensor<2x2x3xf32>
cim.weight @double = dense<1.0> : tensor<2x2x3xf64>
cim.weight @square = dense<1.0> : tensor<2x2xf32>
func.func @main(%x: tensor<1x2x8xf32>, %any: tensor<*xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<*xf32>, tensor<*xf32>) {
  %wide = cim.read @wide : tensor<2x2x3xf32>
  %double = cim.read @double : tensor<2x2x3xf64>
  %square = cim.read @square : tensor<2x2xf32>
  // CHECK: cim.digital "Conv"(%x, %wide) with {auto_pad = "SAME_UPPER", dilations
  %0 = cim.digital "Conv"(%x, %wide) with {auto_pad = "SAME_UPPER", dilations = array<i64: 2>} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x8xf32>
  // CHECK: cim.digital "Conv"(%x, %wide) with {auto_pad = "VALID", pads
  %1 = cim.digital "Conv"(%x, %wide) with {auto_pad = "VALID", pads = array<i64: 0, 0>} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x6xf32>
  // CHECK: cim.digital "Conv"(%x, %wide) with {pads
  %2 = cim.digital "Conv"(%x, %wide) with {pads = array<i64: -1, 1>} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x6xf32>
  // CHECK: cim.digital "Conv"(%x, %wide) with {kernel_shape
  %3 = cim.digital "Conv"(%x, %wide) with {kernel_shape = array<i64: 2>} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x6xf32>
  // CHECK: cim.digital "Conv"(%x, %wide) with {dilations
  %4 = cim.digital "Conv"(%x, %wide) with {dilations = array<i64: 4>} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x6xf32>
  // CHECK: cim.digital "Conv"(%x, %wide) with {group
  %5 = cim.digital "Conv"(%x, %wide) with {group = 3 : i64} : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x6xf32>
  // CHECK: cim.digital "Conv"(%x, %double)
  %6 = cim.digital "Conv"(%x, %double) : (tensor<1x2x8xf32>, tensor<2x2x3xf64>) -> tensor<1x2x6xf32>
  // CHECK: cim.digital "Conv"(%any, %wide)
  %7 = cim.digital "Conv"(%any, %wide) : (tensor<*xf32>, tensor<2x2x3xf32>) -> tensor<*xf32>
  // CHECK: cim.digital "MatMul"(%square, %any)
  %8 = cim.digital "MatMul"(%square, %any) : (tensor<2x2xf32>, tensor<*xf32>) -> tensor<*xf32>
  func.return %0, %1, %2, %3, %4, %5, %6, %7, %8 : tensor<1x2x8xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// A constant of another type than what it is multiplied by stays, on either side.
cim.weight @w = dense<1.0> : tensor<2x2xf64>
func.func @main(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = cim.read @w : tensor<2x2xf64>
  // CHECK: cim.digital "MatMul"(%x, %w)
  %0 = cim.digital "MatMul"(%x, %w) : (tensor<2x2xf32>, tensor<2x2xf64>) -> tensor<2x2xf32>
  // CHECK: cim.digital "MatMul"(%w, %x)
  %1 = cim.digital "MatMul"(%w, %x) : (tensor<2x2xf64>, tensor<2x2xf32>) -> tensor<2x2xf32>
  func.return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// A zero point of each row of the input, or a weight's that is not known, has no form for arrays.
cim.weight @w = dense<1> : tensor<2x3xi8>
func.func @main(%x: tensor<4x2xui8>, %rows: tensor<4xui8>, %zero: tensor<i8>) -> (tensor<4x3xi32>, tensor<4x3xi32>) {
  %w = cim.read @w : tensor<2x3xi8>
  %none = cim.none : none
  // CHECK: cim.digital "MatMulInteger"(%x, %w, %rows)
  %0 = cim.digital "MatMulInteger"(%x, %w, %rows) : (tensor<4x2xui8>, tensor<2x3xi8>, tensor<4xui8>) -> tensor<4x3xi32>
  // CHECK: cim.digital "MatMulInteger"(%x, %w, %none, %zero)
  %1 = cim.digital "MatMulInteger"(%x, %w, %none, %zero) : (tensor<4x2xui8>, tensor<2x3xi8>, none, tensor<i8>) -> tensor<4x3xi32>
  func.return %0, %1 : tensor<4x3xi32>, tensor<4x3xi32>
}

// -----

// Operators of other domains, and those in bodies of such.
cim.weight @w = dense<1.0> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>, %go: tensor<i1>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = cim.read @w : tensor<2x2xf32>
  // CHECK: cim.digital "MatMul" of "com.example"
  %0 = cim.digital "MatMul" of "com.example"(%x, %w) : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  // CHECK: cim.digital "If"
  %1 = cim.digital "If" of "com.example"(%go) bodies ["then_branch", "else_branch"] {
    // CHECK: cim.digital "MatMul"(%x, %w)
    %2 = cim.digital "MatMul"(%x, %w) : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    cim.yield %2 : tensor<?x2xf32>
  } {
    cim.yield %x : tensor<?x2xf32>
  } : (tensor<i1>) -> tensor<?x2xf32>
  func.return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}
