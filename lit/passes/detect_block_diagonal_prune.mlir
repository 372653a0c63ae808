// RUN: cim-opt %s --split-input-file -p 'detect-block-diagonal{prune-below=0.5}' --verify-each | filecheck %s

// What is below the threshold is dropped, what lies in a block stays although it is small.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  // CHECK:      cim.weight @w.blocks = dense<{{\[\[}}[9.000000e+00, 2.500000e-01], [8.000000e+00, 9.000000e+00{{\]\]}}, {{\[\[}}9.000000e+00, 9.000000e+00], [9.000000e+00, 8.000000e+00{{\]\]}}]> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
  cim.weight @w = dense<[[9.0, 0.25, -0.1, 0.1], [8.0, 9.0, 0.1, 0.1], [0.1, 0.1, 9.0, 9.0], [0.1, -0.1, 9.0, 8.0]]> : tensor<4x4xf32>
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    // CHECK: %y = cim.matmul %x, @w.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
    // CHECK: func.return
    %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32> loc("/fc")
    func.return %y : tensor<?x4xf32>
  }
}

// -----

// The scale counts: 10 * 0.01 is below 0.5, so is 40 * 0.01, and 60 * 0.01 is not.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  // CHECK:      cim.weight @w.blocks.scale = dense<1.000000e-02> : tensor<2xf32>
  // CHECK-NEXT: cim.weight @w.blocks = dense<{{\[\[}}[60{{\]\]}}, {{\[\[}}-128{{\]\]}}]> : tensor<2x1x1xi8> as #cim.affine<@w.blocks.scale> structure #cim.block_diagonal<2 blocks of 1x1, "block_diagonal">
  cim.weight @w = dense<[[60, 10], [40, -128]]> : tensor<2x2xi8> as #cim.affine<@scale>
  cim.weight @scale = dense<[0.01, 0.01]> : tensor<2xf32>
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    // CHECK: %y = cim.matmul %x, @w.blocks : tensor<?x2xf32> -> tensor<?x2xf32>
    // CHECK: func.return
    %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
    func.return %y : tensor<?x2xf32>
  }
}
