// RUN: not cim-opt %s -p detect-block-diagonal 2>&1 | filecheck %s
// RUN: not cim-opt %S/Inputs/no_main.mlir -p detect-block-diagonal 2>&1 | filecheck %s --check-prefix MAIN

// A weight of one block only may be sparse enough for several, which depends on the size of arrays.
// CHECK: cimc: error: the module names no chip: add `attributes {hardware.chip = #hardware.chip<"name", ...>}` to it
// MAIN: cimc: error: the module has no function @main, which is the network to compile
cim.weight @w = dense<[[1.0, 0.0], [0.0, 0.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}
