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

// CHECK: add_ns = -1.0: expected a number from 0 to 1000000000
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", add_ns = -1.0>} {}

// -----

// CHECK: adc_table_pj has 2 numbers: expected one for each of 1 to adc_bits = 8 bits
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", adc_table_pj = [1, 2]>} {}

// -----

// CHECK: adc_table_um2 = [1.0, -2.0]: expected a list of 1 to 24 numbers from 0 to
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", adc_table_um2 = [1, -2]>} {}

// -----

// CHECK: adc_table_um2 = []: expected a list of 1 to 24 numbers from 0 to
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", adc_table_um2 = []>} {}

// -----

// CHECK: vector_width = 4.5: expected an integer from 1 to 1048576
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", vector_width = 4.5>} {}

// -----

// CHECK: adc_model = "best": expected one of table, closed-form-28nm, survey, hwcomponents
builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", adc_model = "best">} {}
