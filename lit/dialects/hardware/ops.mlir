// RUN: cim-opt %s --split-input-file | cim-opt --split-input-file | filecheck %s
// RUN: cim-opt %s --split-input-file --print-op-generic | cim-opt --split-input-file | filecheck %s

// What a chip must say.
// CHECK: builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
}

// -----

// Everything it may say, in any order; numbers come back exactly.
// CHECK: #hardware.chip<"a \22chip\22", rows = 64, columns = 32, cell_bits = 1, dac_bits = 4, adc_bits = 9, adcs = 4, encoding = "twos-complement", arrays = 7, settle_ns = 0.1, adc_kind = "ramp", adc_step_ns = 1.0e-05, transfer_ns = 10.0, digital_units = 2, add_ns = 0.30000000000000004>
builtin.module attributes {hardware.chip = #hardware.chip<"a \22chip\22", encoding = "twos-complement", rows = 64, columns = 32, cell_bits = 1, dac_bits = 4, adc_bits = 9, adcs = 4, adc_kind = "ramp", adc_step_ns = 0.00001, settle_ns = 1.0e-1, transfer_ns = 10, digital_units = 2, add_ns = 0.30000000000000004, arrays = 7>} {
}
