// RUN: cim-opt %s -p fold-constants -o %t.out.mlir
// RUN: cim-opt %t.out.mlir -p raise-matmul | filecheck %s
// RUN: not cim-opt %t.out.mlir -p tile-blok -o %t.none.mlir 2>&1 | filecheck %s --check-prefix ERROR
// RUN: not cim-opt %t.none.mlir 2>&1 | filecheck %s --check-prefix NONE
// RUN: not cim-opt %s -o %t.none/out.mlir 2>&1 | filecheck %s --check-prefix FOLDER

// Weights too large for the text are written beside it, and found there again.
// CHECK: cim.weight @v = #cim.data<"v", "{{[0-9a-f]+}}"> : tensor<8x8xf32>
// CHECK: cim.matmul %x, @v
// A failed command leaves no output behind.
// ERROR: cimc: error: unknown pass 'tile-blok'
// NONE:  cimc: error: {{.*}}none.mlir: no such file or directory
// FOLDER: cimc: error: {{.*}}out.mlir: cannot be written: there is no directory {{.*}}none
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = cim.constant dense<8> : tensor<2xi64>
  %v = cim.digital "ConstantOfShape"(%a) : (tensor<2xi64>) -> tensor<8x8xf32>
  %y = cim.digital "MatMul"(%x, %v) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  func.return %y : tensor<?x8xf32>
}
