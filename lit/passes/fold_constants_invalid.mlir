// RUN: cim-opt %s --split-input-file -p fold-constants | filecheck %s

// What cannot be computed now stays, for emission to complain of: random numbers, other domains, unknown operators.
func.func @main() -> (tensor<2xf32>, tensor<2xf32>, tensor<*xf32>) {
  %v = cim.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: %random = cim.digital "RandomNormal"()
  %random = cim.digital "RandomNormal"() with {shape = array<i64: 2>} : () -> tensor<2xf32>
  // CHECK: %other = cim.digital "Neg" of "com.example"(%v)
  %other = cim.digital "Neg" of "com.example"(%v) : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %unknown = cim.digital "Nagate"(%v)
  %unknown = cim.digital "Nagate"(%v) : (tensor<2xf32>) -> tensor<*xf32>
  func.return %random, %other, %unknown : tensor<2xf32>, tensor<2xf32>, tensor<*xf32>
}

// -----

// An operator that ONNX Runtime refuses does not keep its neighbours from being folded.
func.func @main() -> (tensor<i32>, tensor<i32>) {
  %zero = cim.constant dense<0> : tensor<i32>
  %one = cim.constant dense<1> : tensor<i32>
  // CHECK: %refused = cim.digital "Div"(%one, %zero)
  %refused = cim.digital "Div"(%one, %zero) : (tensor<i32>, tensor<i32>) -> tensor<i32>
  // CHECK: %minus = cim.constant dense<-1> : tensor<i32>
  %minus = cim.digital "Neg"(%one) : (tensor<i32>) -> tensor<i32>
  func.return %refused, %minus : tensor<i32>, tensor<i32>
}

// -----

// Four gigabytes of zeros are left to be made when they are needed.
func.func @main() -> tensor<1000000x1000xf32> {
  %shape = cim.constant dense<[1000000, 1000]> : tensor<2xi64>
  // CHECK: %huge = cim.digital "ConstantOfShape"(%shape)
  %huge = cim.digital "ConstantOfShape"(%shape) : (tensor<2xi64>) -> tensor<1000000x1000xf32>
  func.return %huge : tensor<1000000x1000xf32>
}
