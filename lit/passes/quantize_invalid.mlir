// RUN: not cim-opt %s -p 'quantize{activations=vector}' 2>&1 | filecheck %s --check-prefix MODE
// RUN: not cim-opt %s -p 'quantize{activations=static}' 2>&1 | filecheck %s --check-prefix CALIBRATION
// RUN: not cim-opt %s -p 'quantize{activations=static calibration="none.npz"}' 2>&1 | filecheck %s --check-prefix FILE
// RUN: not cim-opt %s -p 'quantize{activations=static calibration="%s"}' 2>&1 | filecheck %s --check-prefix KIND
// RUN: not cim-opt %s -p 'quantize{weight-bits=5}' 2>&1 | filecheck %s --check-prefix BITS
// RUN: not cim-opt %s -p 'quantize{weight-group=1}' 2>&1 | filecheck %s --check-prefix GROUP
// RUN: not cim-opt %s -p 'quantize{activation-bits=9}' 2>&1 | filecheck %s --check-prefix INPUTS
// RUN: not cim-opt %s -p 'quantize{weight-bits=4 weight-group=8}' 2>&1 | filecheck %s --check-prefix NUMBERS
// RUN: not cim-opt %s -p quantize 2>&1 | filecheck %s --check-prefix NUMBERS

// MODE: cimc: error: activations=vector is unknown: expected one of token, tensor, static
// CALIBRATION: cimc: error: activations=static needs calibration inputs: give them as calibration="x.npz"
// FILE: cimc: error: none.npz: cannot be read: no such file or directory
// KIND: quantize_invalid.mlir: not an .npz file with calibration inputs
// BITS: cimc: error: weight-bits=5: expected one of 8, 6, 4, 3, 2, auto
// GROUP: cimc: error: weight-group=1: expected a number of rows of at least 2, or column
// INPUTS: cimc: error: activation-bits=9: expected one of 8, 7, 6, 5, 4
// NUMBERS: cimc: error: node '/fc/MatMul': weight @w has numbers that float32 has not (NaN, infinite or too large), which integers with a scale cannot stand for
cim.weight @w = dense<[[1.0e300, 0.0], [-1.0, 0.0]]> : tensor<2x2xf64>
func.func @main(%x: tensor<?x2xf64>) -> tensor<?x2xf64> {
  %y = cim.matmul %x, @w : tensor<?x2xf64> -> tensor<?x2xf64> loc("/fc/MatMul")
  func.return %y : tensor<?x2xf64>
}
