// RUN: cim-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK: weight @w: #cim.data needs a type, `dense` brings its own
cim.weight @w = #cim.data<"w", "00">

// -----

// CHECK: {{^// -+$}}
// CHECK: weight @w: #cim.data needs a type, `dense` brings its own
cim.weight @w = dense<1.0> : tensor<2x2xf32> : tensor<2x2xf32>

// -----

// CHECK: weight @w of rank 1 has a scale per column, expected rank 2
cim.weight @w = dense<1> : tensor<2xi8> as #cim.affine<@scale>

// -----

// CHECK: weight @w: @scale is used but not defined: expected a cim.weight of that name
cim.weight @w = dense<1> : tensor<2x3xi8> as #cim.affine<@scale>

// -----

// CHECK: weight @w: @scale is tensor<2xf32>, expected a float for each of 3 columns
cim.weight @w = dense<1> : tensor<2x3xi8> as #cim.affine<@scale>
cim.weight @scale = dense<1.0> : tensor<2xf32>

// -----

// CHECK: weight @w: @scale is tensor<3xi32>, expected a float for each of 3 columns
cim.weight @w = dense<1> : tensor<2x3xi8> as #cim.affine<@scale>
cim.weight @scale = dense<1> : tensor<3xi32>

// -----

// CHECK: weight @w: @zero is tensor<3xi8>, expected i32 for each of 3 columns
cim.weight @w = dense<1> : tensor<2x3xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<1.0> : tensor<3xf32>
cim.weight @zero = dense<1> : tensor<3xi8>

// -----

// CHECK: inputs of 4 bits are f32, expected ui8
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x of 4 bits, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return
}

// -----

// CHECK: multiplication of ui8 gives f32, expected i32
func.func @main(%x: tensor<?x2xui8>) {
  %y = cim.matmul %x, @w : tensor<?x2xui8> -> tensor<?x2xf32>
  func.return
}

// -----

// CHECK: multiplication of f32 gives i32, expected f32
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xi32>
  func.return
}

// -----

// CHECK: cim.matmul of node '/fc': weight @w is used but not defined: expected a cim.weight of that name
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("/fc")
  func.return
}

// -----

// CHECK: cim.read of node 'cim.read': weight @w is tensor<2xf32>, read as tensor<3xf32>
cim.weight @w = dense<1.0> : tensor<2xf32>
func.func @main() {
  %w = cim.read @w : tensor<3xf32>
  func.return
}

// -----

// CHECK: cim.matmul of node '/fc': weight @w is tensor<2xf32>, expected a matrix
cim.weight @w = dense<1.0> : tensor<2xf32>
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("/fc")
  func.return
}

// -----

// CHECK: the input is tensor<?x3xf32>, expected 2 as its last dimension for weight @w of tensor<2x4xf32>
cim.weight @w = dense<1.0> : tensor<2x4xf32>
func.func @main(%x: tensor<?x3xf32>) {
  %y = cim.matmul %x, @w : tensor<?x3xf32> -> tensor<?x4xf32>
  func.return
}

// -----

// CHECK: the result is tensor<?x3xf32>, expected 4 as its last dimension for weight @w of tensor<2x4xf32>
cim.weight @w = dense<1.0> : tensor<2x4xf32>
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32>
  func.return
}

// -----

// CHECK: the input is tensor<f32>, expected 2 as its last dimension for weight @w of tensor<2x4xf32>
cim.weight @w = dense<1.0> : tensor<2x4xf32>
func.func @main(%x: tensor<f32>) {
  %y = cim.matmul %x, @w : tensor<f32> -> tensor<?x4xf32>
  func.return
}

// -----

// CHECK: weight @w has elements f32, expected i8 for integers
cim.weight @w = dense<1.0> : tensor<2x4xf32>
func.func @main(%x: tensor<?x2xui8>) {
  %y = cim.matmul %x, @w : tensor<?x2xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: weight @w has elements i8 and no #cim.affine that tells which floats they stand for
cim.weight @w = dense<1> : tensor<2x4xi8>
func.func @main(%x: tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x4xf32>
  func.return
}

// -----

// CHECK: multiplies i64, expected f16, f32, f64, ui8 or i8
cim.weight @w = dense<1> : tensor<2x4xi64>
func.func @main(%x: tensor<?x2xi64>) {
  %y = cim.matmul %x, @w : tensor<?x2xi64> -> tensor<?x4xi64>
  func.return
}

// -----

// CHECK: If has 0 bodies and 1 names for them
func.func @main(%c: tensor<i1>) {
  cim.digital "If"(%c) bodies ["then_branch"] : (tensor<i1>) -> ()
  func.return
}

// -----

// CHECK: If has 1 bodies and 0 names for them
func.func @main(%c: tensor<i1>) {
  cim.digital "If"(%c) {
    cim.yield
  } : (tensor<i1>) -> ()
  func.return
}

// -----

// CHECK: body 'then_branch' of If does not end with cim.yield
func.func @main(%c: tensor<i1>) {
  cim.digital "If"(%c) bodies ["then_branch"] {
  } : (tensor<i1>) -> ()
  func.return
}

// -----

// CHECK: expects parent op 'cim.digital'
func.func @main() {
  cim.yield
}

// -----

// CHECK: cim.digital of node '/first': operand 0 is used before it is defined
func.func @main() {
  %a = cim.digital "Neg"(%b) : (tensor<4xf32>) -> tensor<4xf32> loc("/first")
  %b = cim.digital "Neg"(%a) : (tensor<4xf32>) -> tensor<4xf32> loc("/second")
  func.return
}

// -----

// A body does not see its own operator's result.
// CHECK: cim.yield of node 'cim.yield': operand 0 is used before it is defined
func.func @main(%c: tensor<i1>) {
  %y = cim.digital "If"(%c) bodies ["then_branch"] {
    cim.yield %y : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  func.return
}
