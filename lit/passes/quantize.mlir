// RUN: cim-opt %s --split-input-file -p quantize --verify-each | filecheck %s
// RUN: cim-opt %s --split-input-file -p 'quantize{activations=token}' | filecheck %s

// A scale and a zero point for every vector of the last axis; int8 weights with a scale a column.
// CHECK:      cim.weight @w.int8 = dense<{{\[\[}}127, 0], [-64, 0]]> : tensor<2x2xi8>
// CHECK:      func.func @main
cim.weight @w = dense<[[2.0, 0.0], [-1.0, 0.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // The range of each vector, 0 included.
  // CHECK:      %2 = cim.digital "ReduceMin"(%x) with {axes = array<i64: -1>, keepdims = 1 : i64} : (!vectors_2_f32) -> !vectors_1_f32
  // CHECK-NEXT: %3 = cim.digital "Min"(%2, %0)
  // CHECK-NEXT: %4 = cim.digital "ReduceMax"(%x)
  // CHECK-NEXT: %5 = cim.digital "Max"(%4, %0)
  // CHECK-NEXT: %6 = cim.digital "Sub"(%5, %3)
  // CHECK-NEXT: %7 = cim.digital "Div"(%6, %1)
  // CHECK:      %scale = cim.digital "Max"(%7, %8) : (!vectors_1_f32, tensor<f32>) -> !vectors_1_f32
  // Its zero point, and the vector in integers.
  // CHECK:      %12 = cim.digital "Clip"(%11, %0, %1)
  // CHECK-NEXT: %13 = cim.digital "Div"(%x, %scale)
  // CHECK-NEXT: %14 = cim.digital "Round"(%13)
  // CHECK-NEXT: %15 = cim.digital "Add"(%14, %12)
  // CHECK-NEXT: %16 = cim.digital "Clip"(%15, %0, %1)
  // CHECK-NEXT: %q = cim.digital "Cast"(%16) with {to = 2 : i64} : (!vectors_2_f32) -> tensor<?x2xui8>
  // CHECK-NEXT: %zero = cim.digital "Cast"(%12) with {to = 6 : i64} : (!vectors_1_f32) -> tensor<?x1xi32>
  // The scale of a vector with a NaN or an infinity is NaN.
  // CHECK-NEXT: %17 = cim.constant dense<-1> : tensor<1xi64>
  // CHECK-NEXT: %18 = cim.digital "ReduceSum"(%13, %17) with {keepdims = 1 : i64} : (!vectors_2_f32, tensor<1xi64>) -> !vectors_1_f32
  // CHECK-NEXT: %19 = cim.constant dense<0.000000e+00> : tensor<f32>
  // CHECK-NEXT: %20 = cim.digital "Mul"(%18, %19) : (!vectors_1_f32, tensor<f32>) -> !vectors_1_f32
  // CHECK-NEXT: %marked = cim.digital "Add"(%20, %scale) : (!vectors_1_f32, !vectors_1_f32) -> !vectors_1_f32
  // The product of integers, what the zero point adds to it taken off, and both scales.
  // CHECK-NEXT: %21 = cim.constant dense<[0.0157480314, 1.000000e+00]> : tensor<2xf32>
  // CHECK-NEXT: %acc = cim.matmul %q, @w.int8 : tensor<?x2xui8> -> !vectors_2_i32
  // CHECK-NEXT: %22 = cim.constant dense<[63, 0]> : tensor<2xi32>
  // CHECK-NEXT: %23 = cim.digital "Mul"(%22, %zero) : (tensor<2xi32>, tensor<?x1xi32>) -> !vectors_2_i32
  // CHECK-NEXT: %24 = cim.digital "Sub"(%acc, %23)
  // CHECK-NEXT: %25 = cim.digital "Mul"(%marked, %21) : (!vectors_1_f32, tensor<2xf32>) -> !vectors_2_f32
  // CHECK-NEXT: %26 = cim.digital "Cast"(%24) with {to = 1 : i64} : (!vectors_2_i32) -> !vectors_2_f32
  // CHECK-NEXT: %y = cim.digital "Mul"(%26, %25) : (!vectors_2_f32, !vectors_2_f32) -> !vectors_2_f32
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// An activation that several multiplications share is quantised once, a weight used twice is one weight.
cim.weight @q_proj = dense<[[2.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32>
cim.weight @k_proj = dense<[[1.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32>
// CHECK:      cim.weight @q_proj.int8
// CHECK-NEXT: cim.weight @k_proj.int8
// CHECK:      func.func @main
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: to = 2 : i64
  // CHECK: cim.matmul %q, @q_proj.int8
  %q = cim.matmul %x, @q_proj : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK-NOT: to = 2 : i64
  // CHECK: cim.matmul {{%q[_0-9]*}}, @k_proj.int8
  %k = cim.matmul %x, @k_proj : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK-NOT: to = 2 : i64
  // CHECK: cim.matmul {{%q[_0-9]*}}, @q_proj.int8
  %again = cim.matmul %x, @q_proj : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %q, %k, %again : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// What comes from a product, permuted or not, is NaN where that was: its mark is passed on, and no sum is needed.
cim.weight @first = dense<[[2.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32>
cim.weight @second = dense<[[1.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32>
cim.weight @order = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK:     "ReduceSum"
  // CHECK:     %[[NONE:[0-9]+]] = cim.digital "Mul"
  // CHECK:     %marked = cim.digital "Add"(%[[NONE]], %scale)
  // CHECK:     cim.matmul %q, @first.int8
  // CHECK-NOT: "ReduceSum"
  // CHECK:     %[[NEXT:[0-9]+]] = cim.digital "Mul"(%marked, %{{[0-9]+}}) : (!vectors_1_f32, tensor<f32>)
  // CHECK:     %[[MARKED:marked[_0-9]+]] = cim.digital "Add"(%[[NEXT]], %scale_1)
  // CHECK:     cim.matmul %q_1, @second.int8
  // CHECK:     cim.digital "Mul"(%[[MARKED]],
  %h = cim.matmul %x, @first : tensor<?x2xf32> -> tensor<?x2xf32>
  %p = cim.permute %h, @order : tensor<?x2xf32> -> tensor<?x2xf32>
  %y = cim.matmul %p, @second : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// An activation that is dequantised just before keeps its integers, scale and zero point.
cim.weight @w = dense<[[127, 1], [-1, 0]]> : tensor<2x2xi8> as #cim.affine<@scale>
cim.weight @scale = dense<[0.5, 2.0]> : tensor<2xf32>
// CHECK:      func.func @main
// CHECK-NEXT: %s = cim.constant dense<2.500000e-01> : tensor<f32>
// CHECK-NEXT: %z = cim.constant dense<3> : tensor<ui8>
// CHECK-NEXT: %0 = cim.digital "Cast"(%z) with {to = 6 : i64} : (tensor<ui8>) -> tensor<i32>
// CHECK-NEXT: %1 = cim.read @scale : tensor<2xf32>
// CHECK-NEXT: %acc = cim.matmul %bytes, @w : tensor<?x2xui8> -> tensor<?x2xi32>
// CHECK-NEXT: %2 = cim.constant dense<[126, 1]> : tensor<2xi32>
// CHECK-NEXT: %3 = cim.digital "Mul"(%2, %0) : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
// CHECK-NEXT: %4 = cim.digital "Sub"(%acc, %3)
// CHECK-NEXT: %5 = cim.digital "Mul"(%s, %1) : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
func.func @main(%bytes: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = cim.constant dense<0.25> : tensor<f32>
  %z = cim.constant dense<3> : tensor<ui8>
  %x = cim.digital "DequantizeLinear"(%bytes, %s, %z) : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2xf32>
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// One with a scale for each row or of another axis is quantised anew.
cim.weight @w = dense<[[2.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32>
func.func @main(%bytes: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = cim.constant dense<[0.25, 0.5]> : tensor<2xf32>
  %x = cim.digital "DequantizeLinear"(%bytes, %s) : (tensor<?x2xui8>, tensor<2xf32>) -> tensor<?x2xf32>
  // CHECK: cim.digital "ReduceMin"(%x)
  // CHECK: cim.matmul %q, @w.int8
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// Zero points of weights are subtracted with the row sums of the input.
cim.weight @w = dense<[[127, 1], [-1, 0]]> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 2.0]> : tensor<2xf32>
cim.weight @zero = dense<[-128, 7]> : tensor<2xi32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK: %acc = cim.matmul %q, @w : tensor<?x2xui8> -> !vectors_2_i32
  // The column sums less twice the zero point: 126 + 256, 1 - 14.
  // CHECK: cim.constant dense<[382, -13]> : tensor<2xi32>
  // CHECK: cim.digital "ReduceSum"
  // CHECK: cim.constant dense<[-128, 7]> : tensor<2xi32>
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// A network of float16 is quantised in float32 and goes on in float16.
cim.weight @w = dense<[[2.0, 0.0], [-1.0, 0.0]]> : tensor<2x2xf16>
func.func @main(%x: tensor<?x2xf16>) -> tensor<?x2xf16> {
  // CHECK: %0 = cim.digital "Cast"(%x) with {to = 1 : i64} : (!vectors_2_f16) -> !vectors_2_f32
  // CHECK: %y = cim.digital "Cast"(%{{[0-9]+}}) with {to = 10 : i64} : (!vectors_2_f32) -> !vectors_2_f16
  %y = cim.matmul %x, @w : tensor<?x2xf16> -> tensor<?x2xf16>
  func.return %y : tensor<?x2xf16>
}

// -----

// From opset 18 on, ReduceMin and ReduceMax have their axes as an input; ReduceSum since 13.
builtin.module attributes {cim.opsets = ["ai.onnx:18"]} {
  cim.weight @w = dense<[[2.0, 0.0], [-1.0, 0.0]]> : tensor<2x2xf32>
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    // CHECK: %2 = cim.constant dense<-1> : tensor<1xi64>
    // CHECK: cim.digital "ReduceMin"(%x, %2) with {keepdims = 1 : i64}
    %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
    func.return %y : tensor<?x2xf32>
  }
}

// -----

// A value of unknown rank has results of unknown rank.
cim.weight @w = dense<[[2.0, 0.0], [-1.0, 0.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<*xf32> {
  %any = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<*xf32>
  // CHECK: cim.digital "Mul"(%marked, %{{[0-9]+}}) : (tensor<*xf32>, tensor<2xf32>) -> tensor<*xf32>
  %y = cim.matmul %any, @w : tensor<*xf32> -> tensor<*xf32>
  func.return %y : tensor<*xf32>
}

// -----

// Multiplications of integers stay.
cim.weight @w = dense<[[127, 0], [-64, 0]]> : tensor<2x2xi8>
func.func @main(%q: tensor<?x2xui8>) -> tensor<?x2xi32> {
  // CHECK:      func.func @main
  // CHECK-NEXT: %y = cim.matmul %q, @w : tensor<?x2xui8> -> tensor<?x2xi32>
  %y = cim.matmul %q, @w : tensor<?x2xui8> -> tensor<?x2xi32>
  func.return %y : tensor<?x2xi32>
}
