// RUN: cim-opt %s --parsing-diagnostics --split-input-file | filecheck %s

// CHECK: expected a table of at least one row, all rows equally long
"test.op"() {tiles = #array.table<[]>} : () -> ()

// -----

// CHECK: expected a table of at least one row, all rows equally long
"test.op"() {tiles = #array.table<[[1, 2], [3]]>} : () -> ()

// -----

// CHECK: weights of 9 bits: expected 2 to 8
"test.op"() {format = #array.format<9, "offset">} : () -> ()

// -----

// CHECK: encoding 'gray': expected one of offset, twos-complement, differential
"test.op"() {format = #array.format<8, "gray">} : () -> ()

// -----

// CHECK: encoding 'differential' has no offsets that could be centred
%y = array.multiply %x by @w in 4 bits "differential" centred { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
