// RUN: cim-opt %s --split-input-file --parsing-diagnostics | filecheck %s

// CHECK: rows is missing (rows of an array): expected an integer from 1 to 65535
builtin.module attributes {hardware.chip = #hardware.chip<"x">} {}

// -----

// CHECK: rows = 0: expected an integer from 1 to 65535
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 0, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {}

// -----

// CHECK: cell_bits = 3: expected one of 1, 2, 4, 8
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 3, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {}

// -----

// CHECK: encoding = "signed": expected one of offset, twos-complement, differential
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "signed">} {}

// -----

// CHECK: adcs = 5: expected at most one for each of the 4 columns
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 5, encoding = "offset">} {}

// -----

// CHECK: unknown key 'adc_bit': did you mean 'adc_bits'?
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bit = 8, adcs = 1, encoding = "offset">} {}

// -----

// CHECK: rows is given twice
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, rows = 4>} {}

// -----

// CHECK: add_ns = -1.0: expected a number of at least 0
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", add_ns = -1.0>} {}
