// RUN: cim-opt %s --split-input-file -p 'quantize{weight-bits=4 weight-group=2 activation-bits=5}' --verify-each | filecheck %s
// RUN: cim-opt %s --split-input-file -p 'quantize{weight-bits=2 activations=tensor activation-bits=4}' --verify-each | filecheck %s --check-prefix TENSOR

// Groups of two rows are blocks, the last of one row: what its other row takes meets zeros.
// What a scale of least error loses, and what one of the largest magnitude would, is noted.
// CHECK:      #layer_notes = [{node = "/fc", weight_bits = 4.000000e+00 : f64, weight_group = 2.000000e+00 : f64,
// CHECK-NEXT:   quantisation_error = 0.035{{[0-9]+}} : f64, largest_scale_error = 0.049{{[0-9]+}} : f64}]
// CHECK:      cim.weight @w.int4 = dense<{{\[\[\[}}6, -6], [-6, 7]], {{\[\[}}7, 6], [-6, -7]], {{\[\[}}0, 0], [0, 0]]]> : tensor<3x2x2xi8> structure #cim.block_diagonal<3 blocks of 2x2, "row_groups">
// CHECK:      func.func @main
cim.weight @w = dense<[[7.0, -1.0], [-6.5, 1.1], [3.0, 0.5], [-2.7, -0.6], [0.0, 0.0]]> : tensor<5x2xf32>
func.func @main(%x: tensor<?x5xf32>) -> tensor<?x2xf32> {
  // Activations are numbers below 32, and the product says so.
  // CHECK:      %1 = cim.constant dense<3.100000e+01> : tensor<f32>
  // CHECK:      %q = cim.digital "Cast"
  // CHECK:      %22 = cim.digital "Pad"(%q, %21) : (tensor<?x5xui8>, tensor<4xi64>) -> tensor<?x6xui8>
  // CHECK-NEXT: %acc = cim.matmul %22 of 5 bits, @w.int4 : tensor<?x6xui8> -> tensor<?x6xi32>
  // The products of groups, each times its scale, are added up.
  // CHECK-NEXT: %23 = cim.digital "Cast"(%acc) with {to = 1 : i64}
  // CHECK-NEXT: %24 = cim.constant dense<[1.125000e+00, 0.161176473, 0.437647045,
  // CHECK-NEXT: %25 = cim.digital "Mul"(%23, %24)
  // CHECK:      %27 = cim.digital "Reshape"(%25, %26) : (!vectors_6_f32, tensor<3xi64>) -> tensor<?x3x2xf32>
  // CHECK:      %29 = cim.digital "ReduceSum"(%27, %28) with {keepdims = 0 : i64} : (tensor<?x3x2xf32>, tensor<1xi64>) -> !vectors_2_f32
  // What the zero point adds to the sum is taken off once, and the activation's scale multiplies it once.
  // CHECK-NEXT: %30 = cim.constant dense<[0.437647045, 0.0764705
  // CHECK-NEXT: %31 = cim.digital "Cast"(%zero) with {to = 1 : i64}
  // CHECK-NEXT: %32 = cim.digital "Mul"(%31, %30)
  // CHECK-NEXT: %33 = cim.digital "Sub"(%29, %32)
  // CHECK-NEXT: %y = cim.digital "Mul"(%33, %marked) : (!vectors_2_f32, !vectors_1_f32) -> !vectors_2_f32
  // DynamicQuantizeLinear knows 8 bits only.
  // TENSOR:      cim.weight @w.int2 = dense<{{\[\[}}-2, 1], [1, -2], [-1, -1], [1, 1], [0, 0]]>
  // TENSOR:      %1 = cim.constant dense<1.500000e+01> : tensor<f32>
  // TENSOR-NEXT: %2 = cim.digital "ReduceMin"(%x) with {keepdims = 0 : i64} : (!vectors_5_f32) -> tensor<f32>
  // TENSOR-NEXT: %3 = cim.digital "ReduceMax"(%x) with {keepdims = 0 : i64} : (!vectors_5_f32) -> tensor<f32>
  // TENSOR:      %acc = cim.matmul %q of 4 bits, @w.int2
  %y = cim.matmul %x, @w : tensor<?x5xf32> -> tensor<?x2xf32> loc("/fc")
  func.return %y : tensor<?x2xf32>
}

// -----

// Groups lie within blocks; the columns of the first groups of all blocks come first, those of each in the order that the blocks had.
// CHECK:      cim.weight @w.order = dense<[3, 2, 7, 6, 1, 0, 5, 4]> : tensor<8xi64>
// CHECK-NEXT: cim.weight @w.int4 = {{.*}} : tensor<4x2x2xi8> structure #cim.block_diagonal<4 blocks of 2x2, "monarch", columns = @w.order>
// CHECK:      %acc = cim.matmul %q of 5 bits, @w.int4 : tensor<?x8xui8> -> tensor<?x8xi32>
// CHECK:      "Reshape"(%{{[0-9]+}}, %{{[0-9]+}}) : (!vectors_8_f32, tensor<3xi64>) -> tensor<?x2x4xf32>
cim.weight @order = dense<[3, 2, 1, 0]> : tensor<4xi64>
cim.weight @w = dense<[[[7.0, -1.0], [-6.5, 1.1], [3.0, 0.5], [-2.7, -0.6]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]]> : tensor<2x4x2xf32> structure #cim.block_diagonal<2 blocks of 4x2, "monarch", columns = @order>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %y = cim.matmul %x, @w : tensor<?x8xf32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}

// -----

// Integers that a network brings stay what they are, and so do those of an activation: they are of 8 bits.
// CHECK:     cim.weight @w = dense<{{\[\[}}100, 1], [-1, 0], [5, 5]]>
// CHECK:     cim.matmul %bytes, @w
// CHECK-NOT: bits
cim.weight @w = dense<[[100, 1], [-1, 0], [5, 5]]> : tensor<3x2xi8> as #cim.affine<@scale>
cim.weight @scale = dense<[0.5, 2.0]> : tensor<2xf32>
func.func @main(%bytes: tensor<?x3xui8>) -> tensor<?x2xf32> {
  %s = cim.constant dense<0.25> : tensor<f32>
  %x = cim.digital "DequantizeLinear"(%bytes, %s) : (tensor<?x3xui8>, tensor<f32>) -> tensor<?x3xf32>
  %y = cim.matmul %x, @w : tensor<?x3xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}
