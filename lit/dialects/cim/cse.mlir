// RUN: cim-opt %s -p cse --split-input-file --print-debuginfo | filecheck %s

// Equal operators are one, which keeps its own node; so are equal constants, products and permutations.

cim.weight @w = dense<1.0> : tensor<2x2xf32>
cim.weight @p = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK:      %a = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("first")
  // CHECK-NEXT: %c = cim.constant dense<2.000000e+00> : tensor<f32>
  // CHECK-NEXT: %m = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK-NEXT: %q = cim.permute %m, @p : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK-NEXT: %y = cim.digital "Sum"(%a, %a, %m, %m, %q, %q, %c, %c) : {{.*}}
  %a = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("first")
  %b = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("second")
  %c = cim.constant dense<2.0> : tensor<f32> loc("c")
  %d = cim.constant dense<2.0> : tensor<f32> loc("d")
  %m = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("m")
  %n = cim.matmul %b, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("n")
  %q = cim.permute %m, @p : tensor<?x2xf32> -> tensor<?x2xf32> loc("q")
  %r = cim.permute %n, @p : tensor<?x2xf32> -> tensor<?x2xf32> loc("r")
  %y = cim.digital "Sum"(%a, %b, %m, %n, %q, %r, %c, %d) : (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<f32>, tensor<f32>) -> tensor<?x2xf32> loc("y")
  func.return %y : tensor<?x2xf32> loc("return")
} loc("main")

// -----

// Another operator, domain, setting, weight or constant makes another operation, and so does the sign of zero.

cim.weight @v = dense<1.0> : tensor<2x2xf32>
cim.weight @w = dense<1.0> : tensor<2x2xf32>
func.func @main(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<f32>, tensor<f32>) {
  // CHECK: func.return %a, %b, %c, %d, %m, %n, %k, %l : {{.*}}
  %a = cim.digital "Softmax"(%x) with {axis = 0 : i64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %b = cim.digital "Softmax"(%x) with {axis = 1 : i64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %c = cim.digital "Relu"(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %d = cim.digital "Relu" of "com.example"(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %m = cim.matmul %x, @v : tensor<2x2xf32> -> tensor<2x2xf32>
  %n = cim.matmul %x, @w : tensor<2x2xf32> -> tensor<2x2xf32>
  %k = cim.constant dense<0.0> : tensor<f32>
  %l = cim.constant dense<-0.0> : tensor<f32>
  func.return %a, %b, %c, %d, %m, %n, %k, %l : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<f32>, tensor<f32>
}

// -----

// Two draws are two, whatever their seed, and so are operators of a domain of which nothing is known, and bodies with either.

func.func @main(%x: tensor<2xf32>, %go: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  // CHECK: func.return %a, %b, %c, %d, %e, %f, %g, %h : {{.*}}
  %a = cim.digital "RandomNormalLike"(%x) with {seed = 1.0 : f32} : (tensor<2xf32>) -> tensor<2xf32>
  %b = cim.digital "RandomNormalLike"(%x) with {seed = 1.0 : f32} : (tensor<2xf32>) -> tensor<2xf32>
  %c = cim.digital "Mystery" of "com.example"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %d = cim.digital "Mystery" of "com.example"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %ratio = cim.constant dense<0.5> : tensor<f32>
  %e = cim.digital "Dropout"(%x, %ratio, %go) : (tensor<2xf32>, tensor<f32>, tensor<i1>) -> tensor<2xf32>
  %f = cim.digital "Dropout"(%x, %ratio, %go) : (tensor<2xf32>, tensor<f32>, tensor<i1>) -> tensor<2xf32>
  %g = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %0 = cim.digital "Bernoulli"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } {
    cim.yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  %h = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %0 = cim.digital "Bernoulli"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } {
    cim.yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  func.return %a, %b, %c, %d, %e, %f, %g, %h : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// A dropout that does not train draws nothing. Equal bodies make equal operators, others do not.

func.func @main(%x: tensor<2xf32>, %go: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  // CHECK: func.return %a, %a, %c, %c, %e : {{.*}}
  %ratio = cim.constant dense<0.5> : tensor<f32>
  %no = cim.constant dense<false> : tensor<i1>
  %a = cim.digital "Dropout"(%x, %ratio, %no) : (tensor<2xf32>, tensor<f32>, tensor<i1>) -> tensor<2xf32>
  %b = cim.digital "Dropout"(%x, %ratio, %no) : (tensor<2xf32>, tensor<f32>, tensor<i1>) -> tensor<2xf32>
  %c = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %0 = cim.digital "Neg"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } {
    cim.yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  %d = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %0 = cim.digital "Neg"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } {
    cim.yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  %e = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %0 = cim.digital "Abs"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } {
    cim.yield %x : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  func.return %a, %b, %c, %d, %e : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
