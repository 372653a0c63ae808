// RUN: cim-opt %s --split-input-file | cim-opt --split-input-file | filecheck %s
// RUN: cim-opt %s --split-input-file --print-op-generic | cim-opt --split-input-file | filecheck %s

// Blocks of one shape: only they are stored. Their columns may be those of the matrix in another order.
// CHECK:      cim.weight @w = dense<1.000000e+00> : tensor<4x64x32xf32> structure #cim.block_diagonal<4 blocks of 64x32, "monarch">
// CHECK-NEXT: cim.weight @"v/2" = dense<1> : tensor<2x1x2xi8> structure #cim.block_diagonal<2 blocks of 1x2, "block_diagonal", columns = @"order/2">
// CHECK-NEXT: cim.weight @"order/2" = dense<[3, 0, 2, 1]> : tensor<4xi64>
cim.weight @w = dense<1.0> : tensor<4x64x32xf32> structure #cim.block_diagonal<4 blocks of 64x32, "monarch">
cim.weight @"v/2" = dense<1> : tensor<2x1x2xi8> structure #cim.block_diagonal<2 blocks of 1x2, "block_diagonal", columns = @"order/2">
cim.weight @"order/2" = dense<[3, 0, 2, 1]> : tensor<4xi64>

// -----

// Blocks of different shapes, and of scaled integers; the scale is one of each column of the matrix.
// CHECK:      cim.weight @w = dense<{{.*}}> : tensor<4x6xi8> as #cim.affine<@scale> structure #cim.blocks<"sparse", [rows 0 to 2, columns 0 to 1], [rows 3 to 3, columns 2 to 5]>
// CHECK-NEXT: cim.weight @blocks = dense<1> : tensor<3x2x2xi8> as #cim.affine<@scale> structure #cim.block_diagonal<3 blocks of 2x2, "blast">
cim.weight @w = dense<[[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1]]> : tensor<4x6xi8> as #cim.affine<@scale> structure #cim.blocks<"sparse", [rows 0 to 2, columns 0 to 1], [rows 3 to 3, columns 2 to 5]>
cim.weight @blocks = dense<1> : tensor<3x2x2xi8> as #cim.affine<@scale> structure #cim.block_diagonal<3 blocks of 2x2, "blast">
cim.weight @scale = dense<0.5> : tensor<6xf32>

// -----

// Multiplications by blocks have the shape of the matrix; permutations may choose and repeat elements.
// CHECK: cim.weight @w
cim.weight @w = dense<1.0> : tensor<2x3x2xf32> structure #cim.block_diagonal<2 blocks of 3x2, "block_diagonal">
cim.weight @choice = dense<[5, 0, 0]> : tensor<3xi64>
func.func @main(%x: tensor<?x6xf32>, %any: tensor<*xui8>) -> (tensor<?x3xf32>, tensor<*xui8>) {
  // CHECK: %y = cim.matmul %x, @w : tensor<?x6xf32> -> tensor<?x4xf32>
  %y = cim.matmul %x, @w : tensor<?x6xf32> -> tensor<?x4xf32>
  // CHECK: %z = cim.permute %x, @choice : tensor<?x6xf32> -> tensor<?x3xf32>
  %z = cim.permute %x, @choice : tensor<?x6xf32> -> tensor<?x3xf32> loc("/order")
  // CHECK: %u = cim.permute %any, @choice : tensor<*xui8> -> tensor<*xui8>
  %u = cim.permute %any, @choice : tensor<*xui8> -> tensor<*xui8>
  func.return %z, %u : tensor<?x3xf32>, tensor<*xui8>
}
