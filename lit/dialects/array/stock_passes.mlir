// RUN: cim-opt %s -p dce,cse,canonicalize | filecheck %s

// A scheduled network stays as it is scheduled: work counts the operators of a kernel, useless ones too. Constants go.

func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK:      %y = array.kernel 0 start_ps 0 duration_ps 50 {
  // CHECK-NEXT:   %dead = cim.digital "Abs"(%x) : {{.*}}
  // CHECK-NEXT:   %a = cim.digital "Relu"(%x) : {{.*}}
  // CHECK-NEXT:   %b = cim.digital "Relu"(%x) : {{.*}}
  // CHECK-NEXT:   %c = cim.digital "Identity"(%b) : {{.*}}
  // CHECK-NEXT:   %d = cim.digital "Sum"(%a, %c) : {{.*}}
  // CHECK-NEXT:   array.yield %d : tensor<?x2xf32>
  // CHECK-NEXT: } work {
  // CHECK-NEXT:   operator 0 on unit 0 at 0 ps for 10 ps  // Abs
  %y = array.kernel 0 start_ps 0 duration_ps 50 {
    %useless = cim.constant dense<1.0> : tensor<f32>
    %dead = cim.digital "Abs"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %a = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %b = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %c = cim.digital "Identity"(%b) : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %d = cim.digital "Sum"(%a, %c) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
    array.yield %d : tensor<?x2xf32>
  } work {
    operator 0 on unit 0 at 0 ps for 10 ps
    operator 1 on unit 0 at 10 ps for 10 ps
    operator 2 on unit 0 at 20 ps for 10 ps
    operator 3 on unit 0 at 30 ps for 10 ps
    operator 4 on unit 0 at 40 ps for 10 ps
  } : tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}
