// RUN: not cim-opt %s -p tile-blok 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not cim-opt %s -p 'quantize{activation=token}' 2>&1 | filecheck %s --check-prefix OPTION
// RUN: not cim-opt %s -p 'quantize{activations=3}' 2>&1 | filecheck %s --check-prefix TYPE
// RUN: not cim-opt %s -p 'place-tiles{reload=8}' 2>&1 | filecheck %s --check-prefix RELOAD
// RUN: not cim-opt %s -p 'quantize{' 2>&1 | filecheck %s --check-prefix SPEC
// RUN: not cim-opt %s -p quantize,,tile-blocks 2>&1 | filecheck %s --check-prefix COMMAS
// RUN: not cim-opt %S/none.mlir 2>&1 | filecheck %s --check-prefix MISSING
// RUN: not cim-opt %S 2>&1 | filecheck %s --check-prefix EXTENSION
// RUN: not cim-opt %S/Inputs/unfinished.mlir 2>&1 | filecheck %s --check-prefix PARSE
// RUN: not cim-opt %S/Inputs/unknown_operation.mlir 2>&1 | filecheck %s --check-prefix OPERATION
// RUN: not cim-opt %S/Inputs/no_text.mlir 2>&1 | filecheck %s --check-prefix BYTES
// RUN: not cim-opt %S/Inputs/wrong_type.mlir 2>&1 | filecheck %s --check-prefix VERIFY
// RUN: not cim-opt %S/Inputs/no_onnx.onnx 2>&1 | filecheck %s --check-prefix ONNX
// RUN: not cim-opt %s -t llvm 2>&1 | filecheck %s --check-prefix TARGET

// Every mistake is one line.
// UNKNOWN:   {{^}}cimc: error: unknown pass 'tile-blok': expected fold-constants, {{.*}}, or another that cim-opt --help lists{{$}}
// OPTION:    {{^}}cimc: error: passes 'quantize{activation=token}': Provided arguments ["activation"] not found in expected arguments ["activations", "calibration", "weight_bits", "weight_group", "activation_bits", "quality_budget", "smooth"]{{$}}
// TYPE:      {{^}}cimc: error: passes 'quantize{activations=3}': Incompatible types: given (3,), expected <class 'str'>{{$}}
// RELOAD:    {{^}}cimc: error: passes 'place-tiles{reload=8}': Incompatible types: given (8,), expected <class 'bool'>{{$}}
// SPEC:      {{^}}cimc: error: passes 'quantize{': Error parsing pass pipeline specification: pass-pipeline:1:10 quantize{ ^ Expected argument name here{{$}}
// COMMAS:    {{^}}cimc: error: passes 'quantize,,tile-blocks': Error parsing pass pipeline specification: {{.*}} Expected pass name here{{$}}
// MISSING:   {{^}}cimc: error: {{.*}}none.mlir: no such file or directory{{$}}
// EXTENSION: {{^}}cimc: error: {{.+$}}
// PARSE:     {{^}}cimc: error: {{.*}}unfinished.mlir:2:1: Expected argument or type{{$}}
// OPERATION: {{^}}cimc: error: {{.*}}unknown_operation.mlir:2:1: Operation foo.bar is not registered{{$}}
// BYTES:     {{^}}cimc: error: {{.*}}no_text.mlir: not a module that can be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte{{$}}
// VERIFY:    {{^}}cimc: error: {{.*}}multiplication of ui8 gives f32, expected i32{{.*$}}
// ONNX:      {{^}}cimc: error: {{.*}}no_onnx.onnx: not an ONNX file{{.*$}}
// TARGET:    {{^}}cimc: error: Conversion not implemented for op: cim.weight{{$}}
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<[[2.0, 0.0, 1.0], [-1.0, 0.0, 3.0]]> : tensor<2x3xf32>
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
    %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x3xf32> loc("/fc/MatMul")
    func.return %y : tensor<?x3xf32>
  }
}
