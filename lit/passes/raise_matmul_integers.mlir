// RUN: cim-opt %s --split-input-file -p raise-matmul --verify-each | filecheck %s

// MatMulInteger without zero points is the multiplication itself.
cim.weight @w = dense<[[1, -2, 127], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xui8>, %signed: tensor<?x2xi8>) -> (tensor<?x3xi32>, tensor<?x3xi32>) {
  %w = cim.read @w : tensor<2x3xi8>
  // CHECK: func.func
  // CHECK-NEXT: %y = cim.matmul %x, @w : tensor<?x2xui8> -> tensor<?x3xi32>
  %y = cim.digital "MatMulInteger"(%x, %w) : (tensor<?x2xui8>, tensor<2x3xi8>) -> tensor<?x3xi32>
  // CHECK-NEXT: %z = cim.matmul %signed, @w : tensor<?x2xi8> -> tensor<?x3xi32>
  %z = cim.digital "MatMulInteger"(%signed, %w) : (tensor<?x2xi8>, tensor<2x3xi8>) -> tensor<?x3xi32>
  func.return %y, %z : tensor<?x3xi32>, tensor<?x3xi32>
}

// -----

// A zero point of the input that is known at run time: less column sums times it.
cim.weight @w = dense<[[1, -2, 127], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xui8>, %zero: tensor<ui8>) -> tensor<?x3xi32> {
  %w = cim.read @w : tensor<2x3xi8>
  // CHECK:      %0 = cim.matmul %x, @w : tensor<?x2xui8> -> tensor<?x3xi32>
  // CHECK-NEXT: %1 = cim.digital "Cast"(%zero) with {to = 6 : i64} : (tensor<ui8>) -> tensor<i32>
  // CHECK-NEXT: %2 = cim.constant dense<[5, 3, -1]> : tensor<3xi32>
  // CHECK-NEXT: %3 = cim.digital "Mul"(%2, %1) : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
  // CHECK-NEXT: %y = cim.digital "Sub"(%0, %3) : (tensor<?x3xi32>, tensor<3xi32>) -> tensor<?x3xi32>
  %y = cim.digital "MatMulInteger"(%x, %w, %zero) : (tensor<?x2xui8>, tensor<2x3xi8>, tensor<ui8>) -> tensor<?x3xi32>
  func.return %y : tensor<?x3xi32>
}

// -----

// A zero point of 0 needs no correction, of inputs or of weights.
cim.weight @w = dense<[[1, -2, 127], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xui8>) -> tensor<?x3xi32> {
  %w = cim.read @w : tensor<2x3xi8>
  %zero = cim.constant dense<0> : tensor<ui8>
  %zeros = cim.constant dense<0> : tensor<3xi8>
  // CHECK: func.func
  // CHECK-NEXT: %y = cim.matmul %x, @w
  %y = cim.digital "MatMulInteger"(%x, %w, %zero, %zeros) : (tensor<?x2xui8>, tensor<2x3xi8>, tensor<ui8>, tensor<3xi8>) -> tensor<?x3xi32>
  // CHECK-NEXT: func.return %y
  func.return %y : tensor<?x3xi32>
}

// -----

// A weight that fits int8 once its zero point is taken off needs no correction.
// CHECK: cim.weight @w.int8 = dense<{{\[\[}}-127, -126], [127, 0]]> : tensor<2x2xi8>
cim.weight @w = dense<[[1, 2], [255, 128]]> : tensor<2x2xui8>
func.func @main(%x: tensor<?x2xui8>) -> tensor<?x2xi32> {
  %w = cim.read @w : tensor<2x2xui8>
  %none = cim.none : none
  %zero = cim.constant dense<128> : tensor<ui8>
  // CHECK: func.func
  // CHECK-NEXT: %y = cim.matmul %x, @w.int8
  %y = cim.digital "MatMulInteger"(%x, %w, %none, %zero) : (tensor<?x2xui8>, tensor<2x2xui8>, none, tensor<ui8>) -> tensor<?x2xi32>
  // CHECK-NEXT: func.return %y
  func.return %y : tensor<?x2xi32>
}

// -----

// One that does not is moved by 128, and its zero point times the row sums of the input is subtracted.
// CHECK: cim.weight @w.int8 = dense<{{\[\[}}-128, -126], [127, -127]]> : tensor<2x2xi8>
cim.weight @w = dense<[[0, 2], [255, 1]]> : tensor<2x2xui8>
func.func @main(%x: tensor<?x2xui8>) -> tensor<?x2xi32> {
  %w = cim.read @w : tensor<2x2xui8>
  // CHECK:      %0 = cim.matmul %x, @w.int8 : tensor<?x2xui8> -> tensor<?x2xi32>
  // CHECK-NEXT: %1 = cim.digital "Cast"(%x) with {to = 6 : i64} : (tensor<?x2xui8>) -> tensor<?x2xi32>
  // CHECK-NEXT: %2 = cim.constant dense<-1> : tensor<1xi64>
  // CHECK-NEXT: %3 = cim.digital "ReduceSum"(%1, %2) with {keepdims = 1 : i64} : (tensor<?x2xi32>, tensor<1xi64>) -> tensor<?x1xi32>
  // CHECK-NEXT: %4 = cim.constant dense<-128> : tensor<2xi32>
  // CHECK-NEXT: %5 = cim.digital "Mul"(%3, %4) : (tensor<?x1xi32>, tensor<2xi32>) -> tensor<?x2xi32>
  // CHECK-NEXT: %y = cim.digital "Sub"(%0, %5) : (tensor<?x2xi32>, tensor<?x2xi32>) -> tensor<?x2xi32>
  %y = cim.digital "MatMulInteger"(%x, %w) : (tensor<?x2xui8>, tensor<2x2xui8>) -> tensor<?x2xi32>
  func.return %y : tensor<?x2xi32>
}

// -----

// int8 with a zero point a column, beyond int8 once taken off: the weight stays, the zero points are subtracted.
// CHECK: cim.weight @w = {{.*}} : tensor<2x2xi8>
cim.weight @w = dense<[[-128, 2], [127, 1]]> : tensor<2x2xi8>
func.func @main(%x: tensor<?x2xi8>) -> tensor<?x2xi32> {
  %w = cim.read @w : tensor<2x2xi8>
  %none = cim.none : none
  %zeros = cim.constant dense<[1, -1]> : tensor<2xi8>
  // CHECK: %0 = cim.matmul %x, @w : tensor<?x2xi8> -> tensor<?x2xi32>
  // CHECK: %4 = cim.constant dense<[1, -1]> : tensor<2xi32>
  %y = cim.digital "MatMulInteger"(%x, %w, %none, %zeros) : (tensor<?x2xi8>, tensor<2x2xi8>, none, tensor<2xi8>) -> tensor<?x2xi32>
  func.return %y : tensor<?x2xi32>
}

// -----

// Before opset 13, ReduceSum has its axes as an attribute.
builtin.module attributes {cim.opsets = ["ai.onnx:12"]} {
  cim.weight @w = dense<[[0, 2], [255, 1]]> : tensor<2x2xui8>
  func.func @main(%x: tensor<?x2xui8>) -> tensor<?x2xi32> {
    %w = cim.read @w : tensor<2x2xui8>
    // CHECK: cim.digital "ReduceSum"(%{{.*}}) with {axes = array<i64: -1>, keepdims = 1 : i64} : (tensor<?x2xi32>) -> tensor<?x1xi32>
    %y = cim.digital "MatMulInteger"(%x, %w) : (tensor<?x2xui8>, tensor<2x2xui8>) -> tensor<?x2xi32>
    func.return %y : tensor<?x2xi32>
  }
}

// -----

// QLinearMatMul: the same sum, scaled, clipped, rounded half to even, and moved by the zero point of the result.
cim.weight @w = dense<[[1, -2, 127], [4, 5, -128]]> : tensor<2x3xi8>
func.func @main(%x: tensor<?x2xui8>) -> tensor<?x3xui8> {
  %w = cim.read @w : tensor<2x3xi8>
  %sx = cim.constant dense<0.5> : tensor<f32>
  %zx = cim.constant dense<3> : tensor<ui8>
  %sw = cim.constant dense<[0.5, 1.0, 0.25]> : tensor<3xf32>
  %zw = cim.constant dense<0> : tensor<3xi8>
  %sy = cim.constant dense<2.0> : tensor<f32>
  %zy = cim.constant dense<100> : tensor<ui8>
  // CHECK:     cim.matmul %x, @w : tensor<?x2xui8> -> !vectors_3_i32
  // CHECK:     cim.constant dense<[5, 3, -1]> : tensor<3xi32>
  // CHECK:     cim.digital "Sub"({{.*}}) : (!vectors_3_i32, tensor<3xi32>) -> !vectors_3_i32
  // CHECK:     cim.digital "Max"
  // CHECK:     cim.digital "Min"
  // CHECK:     cim.digital "Round"
  // CHECK:     %y = cim.digital "Cast"(%{{[0-9]+}}) with {to = 2 : i64} : (!vectors_3_f32) -> tensor<?x3xui8>
  %y = cim.digital "QLinearMatMul"(%x, %sx, %zx, %w, %sw, %zw, %sy, %zy) : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>, tensor<2x3xi8>, tensor<3xf32>, tensor<3xi8>, tensor<f32>, tensor<ui8>) -> tensor<?x3xui8>
  func.return %y : tensor<?x3xui8>
}
