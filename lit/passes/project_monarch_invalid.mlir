// RUN: not cim-opt %s -p 'project-monarch{blocks="many"}' 2>&1 | filecheck %s --check-prefix KIND
// RUN: not cim-opt %s -p 'project-monarch{blocks=1}' 2>&1 | filecheck %s --check-prefix ONE
// RUN: not cim-opt %s -p 'project-monarch{blocks=2 rank=0}' 2>&1 | filecheck %s --check-prefix RANK
// RUN: not cim-opt %s -p 'project-monarch{rank=2}' 2>&1 | filecheck %s --check-prefix OWN
// RUN: not cim-opt %s -p 'project-monarch{calibration="none.npz"}' 2>&1 | filecheck %s --check-prefix FILE
// RUN: not cim-opt %S/Inputs/no_main.mlir -p project-monarch 2>&1 | filecheck %s --check-prefix MAIN

// KIND: cimc: error: blocks=many is unknown: expected a number from 2 on, auto or paper
// ONE: cimc: error: blocks=1 is unknown: expected a number from 2 on, auto or paper
// RANK: cimc: error: rank=0: expected a rank of at least 1
// OWN: cimc: error: rank=2: blocks=auto has a rank of its own: give a number of blocks, or no rank
// FILE: cimc: error: none.npz: cannot be read: no such file or directory
// MAIN: cimc: error: the module has no function @main, which is the network to compile
cim.weight @w = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}
