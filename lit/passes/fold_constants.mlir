// RUN: cim-opt %s --split-input-file -p fold-constants --verify-each | filecheck %s

// A constant weight reaches its multiplication; the weight that nobody reads any more goes.
// CHECK-NOT: cim.weight @unused
cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
cim.weight @unused = dense<1.0> : tensor<2xf32>
// CHECK: func.func @main
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  // CHECK-NEXT: %turned = cim.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00]]> : tensor<2x3xf32>
  %w = cim.read @w : tensor<3x2xf32>
  %turned = cim.digital "Transpose"(%w) with {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: %y = cim.digital "MatMul"(%x, %turned)
  %y = cim.digital "MatMul"(%x, %turned) : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}

// -----

// A large result goes to the weight store.
cim.weight @big = dense<0.5> : tensor<8x8xf32>
// CHECK: cim.weight @turned = #cim.data<"turned", "{{[0-9a-f]+}}"> : tensor<8x8xf32>
func.func @main() -> tensor<8x8xf32> {
  %big = cim.read @big : tensor<8x8xf32>
  // CHECK: %turned = cim.read @turned : tensor<8x8xf32>
  %turned = cim.digital "Neg"(%big) : (tensor<8x8xf32>) -> tensor<8x8xf32>
  func.return %turned : tensor<8x8xf32>
}

// -----

// Copies go, also of inputs, and one after the other.
func.func @main(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  // CHECK-NOT: Identity
  %a = cim.digital "Identity"(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %b = cim.digital "Identity"(%a) : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: %y = cim.digital "Neg"(%x) : (tensor<?xf32>) -> tensor<?xf32>
  %y = cim.digital "Neg"(%b) : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: func.return %x, %y
  func.return %b, %y : tensor<?xf32>, tensor<?xf32>
}

// -----

// Known shapes are constants, and what is made of them; unknown ones are not.
func.func @main(%x: tensor<2x3x5xf32>, %open: tensor<?x3xf32>) -> (tensor<1xi64>, tensor<2xi64>, tensor<1xi64>, tensor<2xi64>) {
  %shape = cim.digital "Shape"(%x) : (tensor<2x3x5xf32>) -> tensor<3xi64>
  %one = cim.constant dense<1> : tensor<1xi64>
  // CHECK: %dim = cim.constant dense<3> : tensor<1xi64>
  %dim = cim.digital "Gather"(%shape, %one) : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  // CHECK: %tail = cim.constant dense<[3, 5]> : tensor<2xi64>
  %tail = cim.digital "Shape"(%x) with {start = -2 : i64} : (tensor<2x3x5xf32>) -> tensor<2xi64>
  // CHECK: %middle = cim.constant dense<3> : tensor<1xi64>
  %middle = cim.digital "Shape"(%x) with {start = 1 : i64, end = -1 : i64} : (tensor<2x3x5xf32>) -> tensor<1xi64>
  // CHECK: %unknown = cim.digital "Shape"(%open)
  %unknown = cim.digital "Shape"(%open) : (tensor<?x3xf32>) -> tensor<2xi64>
  func.return %dim, %tail, %middle, %unknown : tensor<1xi64>, tensor<2xi64>, tensor<1xi64>, tensor<2xi64>
}

// -----

// Several results, absent inputs, and results that nobody uses.
func.func @main() -> (tensor<1xf32>, tensor<3xf32>) {
  %pair = cim.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: %a = cim.constant dense<1.000000e+00> : tensor<1xf32>
  %a, %b = cim.digital "Split"(%pair) : (tensor<2xf32>) -> (tensor<1xf32>, tensor<1xf32>)
  %none = cim.none : none
  %limit = cim.constant dense<0.0> : tensor<f32>
  %v = cim.constant dense<[-1.0, 0.0, 1.0]> : tensor<3xf32>
  // CHECK: %c = cim.constant dense<[-1.000000e+00, 0.000000e+00, 0.000000e+00]> : tensor<3xf32>
  %c = cim.digital "Clip"(%v, %none, %limit) : (tensor<3xf32>, none, tensor<f32>) -> tensor<3xf32>
  // CHECK-NEXT: func.return %a, %c
  func.return %a, %c : tensor<1xf32>, tensor<3xf32>
}

// -----

// The integers of a matrix are kept for raise-matmul; those of a vector are not needed.
cim.weight @w8 = dense<[[1, -2], [3, 4]]> : tensor<2x2xi8>
func.func @main() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) {
  %w8 = cim.read @w8 : tensor<2x2xi8>
  %half = cim.constant dense<0.5> : tensor<f32>
  // CHECK: %cast = cim.digital "Cast"(%w8)
  %cast = cim.digital "Cast"(%w8) with {to = 1 : i64} : (tensor<2x2xi8>) -> tensor<2x2xf32>
  // CHECK: %scaled = cim.digital "DequantizeLinear"(%w8, %half)
  %scaled = cim.digital "DequantizeLinear"(%w8, %half) : (tensor<2x2xi8>, tensor<f32>) -> tensor<2x2xf32>
  %v8 = cim.constant dense<[-1, 2]> : tensor<2xi8>
  // CHECK: %vector = cim.constant dense<[-1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %vector = cim.digital "Cast"(%v8) with {to = 1 : i64} : (tensor<2xi8>) -> tensor<2xf32>
  func.return %cast, %scaled, %vector : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>
}

// -----

// Control flow stays; what is constant in its bodies is computed, and what only they see.
func.func @main(%go: tensor<i1>) -> tensor<2xf32> {
  %a = cim.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = cim.digital "Neg"(%a) : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %y = cim.digital "If"(%go)
  %y = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    cim.yield %a : tensor<2xf32>
  } {
    // CHECK: %c = cim.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
    %c = cim.digital "Abs"(%b) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %c : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// -----

// The branch that a constant condition takes, of an `If` in an `If` too; what is constant in it then is computed.
func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %two = cim.constant dense<2> : tensor<i64>
  %three = cim.constant dense<3> : tensor<i64>
  %is = cim.digital "Less"(%two, %three) : (tensor<i64>, tensor<i64>) -> tensor<i1>
  // CHECK:      %y = cim.digital "Abs"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK-NEXT: %z = cim.digital "Neg"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK-NEXT: func.return %y, %z : tensor<2xf32>, tensor<2xf32>
  %y, %z = cim.digital "If"(%is) bodies ["then_branch", "else_branch"] {
    %not = cim.digital "Not"(%is) : (tensor<i1>) -> tensor<i1>
    %inner = cim.digital "If"(%not) bodies ["else_branch", "then_branch"] {
      %a = cim.digital "Abs"(%x) : (tensor<2xf32>) -> tensor<2xf32>
      cim.yield %a : tensor<2xf32>
    } {
      cim.yield %x : tensor<2xf32>
    } : (tensor<i1>) -> tensor<2xf32>
    %b = cim.digital "Neg"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %inner, %b : tensor<2xf32>, tensor<2xf32>
  } {
    cim.yield %x, %x : tensor<2xf32>, tensor<2xf32>
  } : (tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>)
  func.return %y, %z : tensor<2xf32>, tensor<2xf32>
}
