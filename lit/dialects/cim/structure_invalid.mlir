// RUN: cim-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK: weight @w of 2x2x2 holds blocks of 2x2x3
cim.weight @w = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x3, "monarch">

// -----

// CHECK: weight @w: @order is used but not defined: expected a cim.weight of that name
cim.weight @w = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @order>

// -----

// CHECK: weight @w: @order is tensor<3xi64>, expected tensor<4xi64>, an order of the columns
cim.weight @w = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @order>
cim.weight @order = dense<[0, 1, 2]> : tensor<3xi64>

// -----

// CHECK: weight @w of 4x5 has blocks up to row 4, column 6
cim.weight @w = dense<1.0> : tensor<4x5xf32> structure #cim.blocks<"sparse", [rows 0 to 2, columns 0 to 1], [rows 3 to 3, columns 2 to 5]>

// -----

// CHECK: weight @w of 4 has blocks up to row 1, column 1
cim.weight @w = dense<1.0> : tensor<4xf32> structure #cim.blocks<"sparse", [rows 0 to 0, columns 0 to 0]>

// -----

// CHECK: weight @w: @scale is tensor<2xf32>, expected a float for each of 4 columns
cim.weight @w = dense<1> : tensor<2x2x2xi8> as #cim.affine<@scale> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
cim.weight @scale = dense<1.0> : tensor<2xf32>

// -----

// CHECK: the input is tensor<?x2xf32>, expected 4 as its last dimension for weight @w of tensor<2x2x2xf32>
cim.weight @w = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x4xf32>
  func.return
}

// -----

// CHECK: cim.permute of node '/order': weight @table is used but not defined: expected a cim.weight of that name
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.permute %x, @table : tensor<?x2xf32> -> tensor<?x2xf32> loc("/order")
  func.return
}

// -----

// CHECK: table @table is tensor<2xi32>, expected i64 numbers of elements
cim.weight @table = dense<[1, 0]> : tensor<2xi32>
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.permute %x, @table : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return
}

// -----

// CHECK: table @table is tensor<1x2xi64>, expected i64 numbers of elements
cim.weight @table = dense<[[1, 0]]> : tensor<1x2xi64>
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.permute %x, @table : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return
}

// -----

// CHECK: the result is tensor<?x3xf32>, expected 2 as its last dimension for table @table
cim.weight @table = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x3xf32>) {
  %y = cim.permute %x, @table : tensor<?x3xf32> -> tensor<?x3xf32>
  func.return
}

// -----

// CHECK: permutation of f32 gives f16, expected f32
cim.weight @table = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.permute %x, @table : tensor<?x2xf32> -> tensor<?x2xf16>
  func.return
}
