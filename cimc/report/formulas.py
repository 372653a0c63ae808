"""Where the figures of a report come from: the formula of each, as in docs/cost-model.md."""

FORMULAS = {
    "arrays": "arrays that hold a weight",
    "arrays_lower_bound": "sum over formats of ceil(their stored_weights, one copy of each / (rows * columns))",
    "crossbars": "sum over arrays of the slices of their format: offset ceil(bits / cell_bits), differential twice "
    "that, twos-complement ceil((bits - 1) / cell_bits) + 1, or bits where cell_bits is 1",
    "crossbars_lower_bound": "sum over formats of slices * ceil(their stored_weights, one copy of each / (rows * "
    "columns))",
    "formats": "by format of the arrays: arrays, crossbars and the fewest possible, weights stored in them, and "
    "conversions, counted as those of the program",
    "utilization": "sum over formats of slices * stored_weights / (crossbars * rows * columns)",
    "stored_weights": "sum over tiles of rows * columns; a weight that several nodes share counts once, and so do "
    "tiles that share a place",
    "sharing": "tiles, and those at places of their own; what the others hold; the arrays of the same mapping, each "
    "tile at a place of its own",
    "copies": "weights that lie in the arrays more than once, and how often; vector t is multiplied by copy t modulo "
    "that",
    "array_work": "sum over the activations of an array of their time, for the vectors per inference over copies of "
    "the weight: of the busiest array, and of all over arrays; without copies: times what the mapping estimated",
    "reload": "parts of the weights (loads), all tokens of a run passing through one before the next; writes: LOAD "
    "records / tokens of a run; time_ns: sum over them of rows * program_row_ns / tokens; energy_pj: sum over them of "
    "programmed cells * program_cell_pj / tokens; lasts: endurance / writes",
    "coverage.share": "multiply-accumulates of arrays (weights of each multiplication * its vectors) / those and the "
    "ones of digital operators by constant weights, all of one run",
    "conversions_per_token": "sum over row groups of planes * slices (of their array's format) * columns, "
    "times their vectors per inference",
    "may_clip": "row groups whose bound, the largest sum that any inputs can cause, is more than 2^adc_bits - 1, or "
    "whose ADC drops bits; their conversions for one token, and the layers that they are in",
    "measured": "cosine and largest difference of the outputs and those of the original network, both run when the "
    "program was compiled; where conversions may clip the program itself was run, and those that did were counted",
    "latency_ns.total": "when all is over: transfers, activations, additions, operators and permutations as soon as "
    "what they need is there and their array and registers, units or link are free, in the order of the program's "
    "schedule, each as long as it takes in the run; an activation takes planes * (settle_ns + ceil(columns / adcs) * "
    "adc_ns(adc_bits)), an addition of partial sums add_ns, a transfer transfer_ns; all of that times its vectors per "
    "inference, transfers once in each round of the body that they are in",
    "latency_ns.parameter": "as total, with digital operators that take no time",
    "latency_ns.digital": "as total, with nothing but digital operators that takes time; "
    "ceil(ceil(elements / vector_width) / digital_units) steps of compare_ns, add_ns, function_ns or normalize_ns by "
    "class, or multiply-accumulates / (attention_units * attention_macs_per_ns); "
    "those that read keys and values take at least their bytes / memory_gb_per_s",
    "latency_lower_bound_ns": "transfers and permutations that wait for each other, and between them, of one "
    "multiplication or of all between two cuts (what comes after a cut needs all before it), planes * (settle_ns + "
    "ceil(columns / (arrays * adcs)) * adc_ns), where columns are the conversions of the row groups that take at least "
    "adc_ns, or an even share of all conversions; with 2 * settle_ns between two cuts where each multiplication that "
    "comes first there is needed by another",
    "overlap_ns": "latency_ns.parameter + latency_ns.digital - latency_ns.total",
    "stage_costs.latency_ns": "from when its first vector moves into arrays to when its last product is out of them, "
    "as in latency_ns.parameter",
    "energy_pj.parameter": "adc + dac + cells + shift_add + transfer + add, and program where weights are loaded: "
    "dynamic energy of products in arrays",
    "energy_pj.digital": "digital + attention: dynamic energy of the other operators",
    "energy_pj.total": "parameter + digital + buffer + memory + leakage; the two memories where the chip says what "
    "they cost",
    "energy_components_pj.adc": "sum over row groups of conversions * adc_pj(adc_bits), by the ADC model",
    "energy_components_pj.dac": "sum over activations of driven rows * slices * planes * dac_pj",
    "energy_components_pj.cells": "sum over row groups of rows * columns * slices * planes * cell_pj",
    "energy_components_pj.shift_add": "conversions_per_token * shift_add_pj",
    "energy_components_pj.transfer": "(input_bits of each input into each array that uses it, 32 bits of each partial "
    "sum out of its array, the bits of vectors that are permuted) * transfer_bit_pj",
    "energy_components_pj.add": "(elements of partial sums - elements of products) * add_pj",
    "energy_components_pj.program": "cells of all arrays that are loaded in a run / its tokens * program_cell_pj",
    "energy_components_pj.digital": "sum over operators of ceil(elements / vector_width) * vector_pj, normalize_pj for "
    "those that normalize",
    "energy_components_pj.attention": "multiply-accumulates * mac_pj",
    "energy_components_pj.buffer": "memory.moved * buffer_byte_pj",
    "energy_components_pj.memory": "8 * memory.keys_and_values * memory_bit_pj",
    "energy_components_pj.leakage": "sum of leakage_uw * latency_ns.total / 1000",
    "area_components_um2.cells": "crossbars * rows * columns * cell_um2",
    "area_components_um2.dac": "crossbars * rows * dac_um2",
    "area_components_um2.adc": "crossbars * adcs * adc_um2(adc_bits), by the ADC model",
    "area_components_um2.shift_add": "crossbars * adcs * shift_add_um2",
    "area_components_um2.digital": "digital_units * digital_unit_um2",
    "area_components_um2.attention": "attention_units * attention_unit_um2",
    "area_components_um2.buffer": "ceil(memory.held / 1024) * buffer_um2",
    "area_um2": "sum of area_components_um2, of the arrays that the program uses, at a time where weights are loaded",
    "leakage_uw": "crossbars / (slices of an 8-bit array) * array_leakage_uw, crossbars * adcs * adc_leakage_uw, "
    "digital_units * digital_unit_leakage_uw, attention_units * attention_unit_leakage_uw, ceil(memory.held / 1024) * "
    "buffer_leakage_uw, memory_leakage_uw",
    "largest_parts": "for each total the component that is more than half of it",
    "memory.held": "the most at any record of the sum of the bytes of values that are made and will be read, in one "
    "run; no keys and values",
    "memory.moved": "bytes that kernels and permutations read and write, that arrays read once a stage, and products, "
    "of one run / its tokens; no keys and values",
    "memory.keys_and_values": "bytes of keys and values that operators compute with, and of the new ones, of one run / "
    "its tokens",
    "prefill": "fill_ns + (tokens - 1) * interval_ns, of a schedule that repeats every interval_ns and is checked; an "
    "estimate where proved is false: interval_ns is load_ns, for which a token keeps the busiest resource",
    "layers.stage_clipped_share": "conversions of the layer's stage that clipped / all of them, when measured",
    "layers.latency_ns": "from when its vector moves into arrays to when its product is out of them, as in "
    "latency_ns.parameter",
    "layers.energy_pj": "as energy_pj.parameter, of the layer's row groups",
    "layers.area_um2": "stored_weights / (rows * columns) of the area of an array of its format",
    "layers.leakage_pj": "stored_weights / (rows * columns) of the leakage of an array of its format * latency_ns."
    "total / 1000",
}
"""Figure -> formula, by the keys of `cim-report --json`."""
