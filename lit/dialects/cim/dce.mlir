// RUN: cim-opt %s -p dce --print-debuginfo | filecheck %s

// What nobody uses goes: operators, products, what is read; with a body, too. Weights are symbols and stay.

cim.weight @w = dense<1.0> : tensor<2x2xf32>
cim.weight @unused = dense<2.0> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>, %go: tensor<i1>) -> tensor<?x2xf32> {
  %dead = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("dead")
  %chain = cim.digital "Neg"(%dead) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("chain")
  %product = cim.matmul %x, @unused : tensor<?x2xf32> -> tensor<?x2xf32> loc("product")
  %read = cim.read @unused : tensor<2x2xf32> loc("read")
  %branches = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    cim.yield %x : tensor<?x2xf32> loc("branches")
  } {
    %inside = cim.digital "Neg"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("inside")
    cim.yield %inside : tensor<?x2xf32> loc("branches")
  } : (tensor<i1>) -> tensor<?x2xf32> loc("branches")
  %draw = cim.digital "RandomNormalLike"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("draw")
  %foreign = cim.digital "Mystery" of "com.example"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("foreign")
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("y")
  func.return %y : tensor<?x2xf32> loc("return")
} loc("main")

// Nothing is known of operators of other domains.
// CHECK:      cim.weight @w = {{.*}}
// CHECK-NEXT: cim.weight @unused = {{.*}}
// CHECK-NEXT: func.func @main({{.*}}) -> tensor<?x2xf32> {
// CHECK-NEXT:   %foreign = cim.digital "Mystery" of "com.example"(%x) : {{.*}} loc("foreign")
// CHECK-NEXT:   %y = cim.matmul %x, @w : {{.*}} loc("y")
// CHECK-NEXT:   func.return %y : tensor<?x2xf32>
