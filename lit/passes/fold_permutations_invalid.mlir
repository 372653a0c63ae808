// RUN: not cim-opt %S/Inputs/no_main.mlir -p fold-permutations 2>&1 | filecheck %s --check-prefix MAIN
// RUN: not cim-opt %s -p fold-permutations 2>&1 | filecheck %s

// MAIN: cimc: error: the module has no function @main, which is the network to compile
// CHECK: cimc: error: {{.*}}@table{{.*}}
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = cim.permute %x, @table : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}
