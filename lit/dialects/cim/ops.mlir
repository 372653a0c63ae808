// RUN: cim-opt %s --split-input-file | cim-opt --split-input-file | filecheck %s
// RUN: cim-opt %s --split-input-file --print-op-generic | cim-opt --split-input-file | filecheck %s

// A weight in the store, small ones inline, integers with what they stand for.
// CHECK:      cim.weight @"h.0/w:0" = #cim.data<"h.0/w \22it\22", "1b9c2f1e4d92d8c9"> : tensor<8x4xf32>
// CHECK-NEXT: cim.weight @tiny = dense<[[1, 0], [0, -128]]> : tensor<2x2xi8> as #cim.affine<@scale>
// CHECK-NEXT: cim.weight @moved = dense<[[1, 0], [0, 1]]> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
// CHECK-NEXT: cim.weight @scale = dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: cim.weight @zero = dense<[3, -7]> : tensor<2xi32>
cim.weight @"h.0/w:0" = #cim.data<"h.0/w \22it\22", "1b9c2f1e4d92d8c9"> : tensor<8x4xf32>
cim.weight @tiny = dense<[[1, 0], [0, -128]]> : tensor<2x2xi8> as #cim.affine<@scale>
cim.weight @moved = dense<[[1, 0], [0, 1]]> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 2.0]> : tensor<2xf32>
cim.weight @zero = dense<[3, -7]> : tensor<2xi32>

// -----

// Constants, weights as values, and absent inputs.
func.func @main() -> tensor<2x2xi8> {
  // CHECK: %axes = cim.constant dense<-1> : tensor<1xi64>
  %axes = cim.constant dense<-1> : tensor<1xi64>
  // CHECK: %scalar = cim.constant dense<255> : tensor<ui8>
  %scalar = cim.constant dense<255> : tensor<ui8>
  // CHECK: %table = cim.read @table : tensor<2x2xi8>
  %table = cim.read @table : tensor<2x2xi8>
  // CHECK: %none = cim.none : none
  %none = cim.none : none
  func.return %table : tensor<2x2xi8>
}
cim.weight @table = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>

// -----

// Multiplications of floats and of integers; names of nodes stay.
cim.weight @w = dense<1.0> : tensor<4x2xf32>
cim.weight @"w.int8" = dense<1> : tensor<4x2xi8>
func.func @main(%x: tensor<?x4xf32>, %u: tensor<?x4xui8>, %i: tensor<*xi8>) -> (tensor<?x2xf32>, tensor<?x2xi32>, tensor<*xi32>, tensor<?x2xi32>) {
  // CHECK: %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x2xf32>
  %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x2xf32> loc("/fc/MatMul")
  // CHECK: %acc = cim.matmul %u, @w.int8 : tensor<?x4xui8> -> tensor<?x2xi32>
  %acc = cim.matmul %u, @w.int8 : tensor<?x4xui8> -> tensor<?x2xi32>
  // CHECK: %any = cim.matmul %i, @w.int8 : tensor<*xi8> -> tensor<*xi32>
  %any = cim.matmul %i, @w.int8 : tensor<*xi8> -> tensor<*xi32>
  // CHECK: %few = cim.matmul %u of 4 bits, @w.int8 : tensor<?x4xui8> -> tensor<?x2xi32>
  %few = cim.matmul %u of 4 bits, @w.int8 : tensor<?x4xui8> -> tensor<?x2xi32>
  func.return %y, %acc, %any, %few : tensor<?x2xf32>, tensor<?x2xi32>, tensor<*xi32>, tensor<?x2xi32>
}

// -----

// Operators of ONNX: settings, domains, several results, absent inputs and results, types that builtin IR lacks.
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %none = cim.none : none
  // CHECK: %y = cim.digital "Softmax"(%x) with {axis = -1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = cim.digital "Softmax"(%x) with {axis = -1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: %z = cim.digital "Gelu" of "com.microsoft"(%y) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = cim.digital "Gelu" of "com.microsoft"(%y) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: %min, %unused = cim.digital "Two"(%z, %none) : (tensor<?x4xf32>, none) -> (tensor<?x1xf32>, none)
  %min, %unused = cim.digital "Two"(%z, %none) : (tensor<?x4xf32>, none) -> (tensor<?x1xf32>, none)
  // CHECK: %words = cim.digital "Words"() with {file = #cim.proto<"CgE=">, texts = ["a", "b"]} : () -> tensor<?x!cim.element<"string">>
  %words = cim.digital "Words"() with {file = #cim.proto<"CgE=">, texts = ["a", "b"]} : () -> tensor<?x!cim.element<"string">>
  // CHECK: %list = cim.digital "SequenceConstruct"(%x) : (tensor<?x4xf32>) -> !cim.value<"seq(tensor(float))">
  %list = cim.digital "SequenceConstruct"(%x) : (tensor<?x4xf32>) -> !cim.value<"seq(tensor(float))">
  // CHECK: %unknown = cim.digital "Odd"(%x) : (tensor<?x4xf32>) -> tensor<*x!cim.element<"undefined">>
  %unknown = cim.digital "Odd"(%x) : (tensor<?x4xf32>) -> tensor<*x!cim.element<"undefined">>
  // CHECK: cim.digital "Nothing"() : () -> ()
  cim.digital "Nothing"() : () -> ()
  func.return %z : tensor<?x4xf32>
}

// -----

// Bodies of control flow see the values around them.
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>, %n: tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK:      %y = cim.digital "If"(%c) bodies ["then_branch", "else_branch"] {
  // CHECK-NEXT:   cim.yield %x : tensor<4xf32>
  // CHECK-NEXT: } {
  // CHECK-NEXT:   %negative = cim.digital "Neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT:   cim.yield %negative : tensor<4xf32>
  // CHECK-NEXT: } : (tensor<i1>) -> tensor<4xf32>
  %y = cim.digital "If"(%c) bodies ["then_branch", "else_branch"] {
    cim.yield %x : tensor<4xf32>
  } {
    %negative = cim.digital "Neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    cim.yield %negative : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  // CHECK:      %l = cim.digital "Loop"(%n, %c, %y) bodies ["body"] {
  // CHECK-NEXT: ^body(%i: tensor<i64>, %go: tensor<i1>, %z: tensor<4xf32>):
  // CHECK-NEXT:   cim.yield %go, %z : tensor<i1>, tensor<4xf32>
  // CHECK-NEXT: } : (tensor<i64>, tensor<i1>, tensor<4xf32>) -> tensor<4xf32>
  %l = cim.digital "Loop"(%n, %c, %y) bodies ["body"] {
  ^body(%i: tensor<i64>, %go: tensor<i1>, %z: tensor<4xf32>):
    cim.yield %go, %z : tensor<i1>, tensor<4xf32>
  } : (tensor<i64>, tensor<i1>, tensor<4xf32>) -> tensor<4xf32>
  func.return %y, %l : tensor<4xf32>, tensor<4xf32>
}
