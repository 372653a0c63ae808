// RUN: cim-opt %s -p 'place-tiles{objective=throughput}' --verify-each --split-input-file | filecheck %s
// RUN: cim-opt %s -p 'place-tiles{objective=throughput},place-tiles' --verify-each --split-input-file | filecheck %s --check-prefix ONCE

// Each multiplication takes one vector of a run: both weights lie twice, in groups of two arrays each, one for every
// other vector.
// CHECK: %a = array.multiply %x by @w copies 2 {
// CHECK-NEXT:   tile 0 of copy 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
// CHECK-NEXT:   tile 1 of copy 1: rows 0 to 3, columns 0 to 3 in array 2 at row 0, column 0
// CHECK: %b = array.multiply %q by @v copies 2 {
// CHECK-NEXT:   tile 0 of copy 0: rows 0 to 3, columns 0 to 1 in array 1 at row 0, column 0
// CHECK-NEXT:   tile 1 of copy 1: rows 0 to 3, columns 0 to 1 in array 3 at row 0, column 0
// ONCE: %a = array.multiply %x by @w {
// ONCE: %b = array.multiply %q by @v {
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 2, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, arrays = 4>} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  cim.weight @v = dense<2> : tensor<4x2xi8>
  func.func @main(%x: tensor<?x4xui8>, %q: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x2xi32>) {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    %b = array.multiply %q by @v {
      tile 0: rows 0 to 3, columns 0 to 1
    } : tensor<?x4xui8> -> tensor<?x2xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x2xi32>
  }
}

// -----

// Nine vectors of a run, and one: the first weight has copies by itself, which work at the same time.
// CHECK: %a = array.multiply %x by @w copies 4 {
// CHECK-NEXT:   tile 0 of copy 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
// CHECK-NEXT:   tile 1 of copy 1: rows 0 to 3, columns 0 to 3 in array 1 at row 0, column 0
// CHECK-NEXT:   tile 2 of copy 2: rows 0 to 3, columns 0 to 3 in array 2 at row 0, column 0
// CHECK-NEXT:   tile 3 of copy 3: rows 0 to 3, columns 0 to 3 in array 3 at row 0, column 0
// CHECK: %b = array.multiply %q by @v {
// CHECK-NEXT:   tile 0: rows 0 to 3, columns 0 to 1 in array 4 at row 0, column 0
// ONCE: %a = array.multiply %x by @w {
// ONCE: %b = array.multiply %q by @v {
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 2, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, arrays = 5>} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  cim.weight @v = dense<2> : tensor<4x2xi8>
  func.func @main(%x: tensor<9x4xui8>, %q: tensor<?x4xui8>) -> (tensor<9x4xi32>, tensor<?x2xi32>) {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
    } : tensor<9x4xui8> -> tensor<9x4xi32>
    %b = array.multiply %q by @v {
      tile 0: rows 0 to 3, columns 0 to 1
    } : tensor<?x4xui8> -> tensor<?x2xi32>
    func.return %a, %b : tensor<9x4xi32>, tensor<?x2xi32>
  }
}
