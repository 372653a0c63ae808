// RUN: cim-opt %s --split-input-file | cim-opt --split-input-file | filecheck %s
// RUN: cim-opt %s --split-input-file --print-op-generic | cim-opt --split-input-file | filecheck %s

// What a chip must say.
// CHECK:      #chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1,
// CHECK-NEXT:   encoding = "offset">
// CHECK-NEXT: builtin.module attributes {hardware.chip = #chip} {
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
}

// -----

// Everything it may say, in any order; numbers come back exactly.
// CHECK:      #chip = #hardware.chip<"a \22chip\22", rows = 64, columns = 32, cell_bits = 1, dac_bits = 4, adc_bits = 9, adcs = 4,
// CHECK-NEXT:   encoding = "twos-complement", arrays = 7, settle_ns = 0.1, adc_kind = "ramp", adc_step_ns = 1.0e-05,
// CHECK-NEXT:   transfer_ns = 10.0, digital_units = 2, add_ns = 0.30000000000000004, adc_model = "table", adc_table_pj = [0.5,
// CHECK-NEXT:   1.0e-05, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], adc_table_um2 = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
// CHECK-NEXT:   adc_rate_mhz = 100.0, node_nm = 32.0, supply_v = 0.9, dac_pj = 0.39, cell_pj = 0.00183, shift_add_pj = 0.021,
// CHECK-NEXT:   transfer_bit_pj = 0.01, add_pj = 0.1, cell_um2 = 0.036, dac_um2 = 0.166, shift_add_um2 = 60.0,
// CHECK-NEXT:   digital_unit_um2 = 2360000.0, attention_unit_um2 = 2360000.0, array_leakage_uw = 0.0, adc_leakage_uw = 7.6,
// CHECK-NEXT:   digital_unit_leakage_uw = 1000000.0, attention_unit_leakage_uw = 1000000.0, vector_width = 512, compare_ns = 1.0,
// CHECK-NEXT:   function_ns = 10.0, normalize_ns = 50.0, vector_pj = 10000.0, attention_units = 1, attention_macs_per_ns = 512.0,
// CHECK-NEXT:   mac_pj = 4.6>
// CHECK-NEXT: builtin.module attributes {hardware.chip = #chip} {
builtin.module attributes {hardware.chip = #hardware.chip<"a \22chip\22", encoding = "twos-complement", rows = 64, columns = 32, cell_bits = 1, dac_bits = 4, adc_bits = 9, adcs = 4, adc_kind = "ramp", adc_step_ns = 0.00001, settle_ns = 1.0e-1, transfer_ns = 10, digital_units = 2, add_ns = 0.30000000000000004, arrays = 7, adc_model = "table", adc_table_pj = [0.5, 0.00001, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], adc_table_um2 = [1, 2, 3, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], adc_rate_mhz = 100.0, node_nm = 32.0, supply_v = 0.9, dac_pj = 0.39, cell_pj = 0.00183, shift_add_pj = 0.021, transfer_bit_pj = 0.01, add_pj = 0.1, cell_um2 = 0.036, dac_um2 = 0.166, shift_add_um2 = 60.0, digital_unit_um2 = 2.36e6, attention_unit_um2 = 2.36e6, array_leakage_uw = 0, adc_leakage_uw = 7.6, digital_unit_leakage_uw = 1000000.0, attention_unit_leakage_uw = 1000000.0, vector_width = 512, compare_ns = 1.0, function_ns = 10.0, normalize_ns = 50.0, vector_pj = 10000.0, attention_units = 1, attention_macs_per_ns = 512.0, mac_pj = 4.6>} {
}
