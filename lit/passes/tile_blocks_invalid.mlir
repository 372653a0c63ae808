// RUN: not cim-opt %s -p tile-blocks 2>&1 | filecheck %s
// RUN: not cim-opt %S/Inputs/no_chip.mlir -p tile-blocks 2>&1 | filecheck %s --check-prefix CHIP
// RUN: not cim-opt %S/Inputs/no_main.mlir -p tile-blocks 2>&1 | filecheck %s --check-prefix MAIN

// CHECK: cimc: error: node '/fc/MatMul' multiplies f32, arrays multiply integers: run quantize first
// CHIP: cimc: error: the module names no chip: add `attributes {hardware.chip = #hardware.chip<"name", ...>}` to it
// MAIN: cimc: error: the module has no function @main, which is the network to compile
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1.0> : tensor<4x4xf32>
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32> loc("/fc/MatMul")
    func.return %y : tensor<?x4xf32>
  }
}
