// RUN: cim-opt %s -p canonicalize | filecheck %s

// What gives its input back vanishes, where the IR alone can tell; and so does what nobody uses.

cim.weight @identity = dense<[0, 1]> : tensor<2xi64>
cim.weight @swap = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<3x2xf32>, tensor<?x2xf64>, tensor<?x2xf32>) {
  // CHECK:      %known = cim.digital "Identity"(%x) : (tensor<?x2xf32>) -> tensor<3x2xf32>
  // CHECK-NEXT: %wide = cim.digital "Cast"(%x) with {to = 11 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf64>
  // CHECK-NEXT: %swapped = cim.permute %x, @swap : tensor<?x2xf32> -> tensor<?x2xf32>
  // CHECK-NEXT: func.return %x, %known, %wide, %swapped : {{.*}}
  %alias = cim.digital "Identity"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %again = cim.digital "Cast"(%alias) with {to = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %there = cim.permute %again, @identity : tensor<?x2xf32> -> tensor<?x2xf32>
  %dead = cim.digital "Relu"(%there) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %known = cim.digital "Identity"(%x) : (tensor<?x2xf32>) -> tensor<3x2xf32>
  %wide = cim.digital "Cast"(%x) with {to = 11 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf64>
  %swapped = cim.permute %x, @swap : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %there, %known, %wide, %swapped : tensor<?x2xf32>, tensor<3x2xf32>, tensor<?x2xf64>, tensor<?x2xf32>
}
