// RUN: cim-opt %s --parsing-diagnostics --split-input-file | filecheck %s

// CHECK: expected a table of at least one row, all rows equally long
"test.op"() {tiles = #array.table<[]>} : () -> ()

// -----

// CHECK: expected a table of at least one row, all rows equally long
"test.op"() {tiles = #array.table<[[1, 2], [3]]>} : () -> ()
