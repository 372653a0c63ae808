// RUN: cim-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK: tiles has 3 columns, expected 4: weight_row, weight_column, rows, columns
func.func @main(%x: tensor<?x4xui8>) {
  %y = "array.multiply"(%x) <{weight = @w, tiles = #array.table<[[0, 0, 4]]>}> : (tensor<?x4xui8>) -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: places has 2 columns, expected 3: array, row, column
func.func @main(%x: tensor<?x4xui8>) {
  %y = "array.multiply"(%x) <{weight = @w, tiles = #array.table<[[0, 0, 4, 4]]>, places = #array.table<[[0, 0]]>}> : (tensor<?x4xui8>) -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: groups has 1 columns, expected 7: tile, first_row, rows, adc_bits, adc_shift, bound, start_ps
func.func @main(%x: tensor<?x4xui8>) {
  %y = "array.multiply"(%x) <{weight = @w, tiles = #array.table<[[0, 0, 4, 4]]>, groups = #array.table<[[0]]>}> : (tensor<?x4xui8>) -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: 2 places for 1 tiles
func.func @main(%x: tensor<?x4xui8>) {
  %y = "array.multiply"(%x) <{weight = @w, tiles = #array.table<[[0, 0, 4, 4]]>, places = #array.table<[[0, 0, 0], [1, 0, 0]]>}> : (tensor<?x4xui8>) -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a tile starts before its weight or is empty
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns -1 to 2 } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: a tile starts before its weight or is empty
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to -1 } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a place has a negative number
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 in array -1 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a row group of tile 1, expected one of 0 to 0
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    convert rows 0 to 3 of tile 1 to 4 bits at 0 ps, sums up to 9
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a row group of rows 2 to 4, tile 0 has rows 0 to 3
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    convert rows 2 to 4 of tile 0 to 4 bits at 0 ps, sums up to 9
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a row group needs at least 1 ADC bit; shift, bound and start may not be negative
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    convert rows 0 to 3 of tile 0 to 0 bits at 0 ps, sums up to 9
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: a row group needs at least 1 ADC bit; shift, bound and start may not be negative
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    convert rows 0 to 3 of tile 0 to 4 bits at -1 ps, sums up to 9
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: adds has 3 columns, expected 5: first_column, columns, unit, start_ps, copy
func.func @main(%x: tensor<?x4xui8>) {
  %y = "array.multiply"(%x) <{weight = @w, tiles = #array.table<[[0, 0, 4, 4]]>, adds = #array.table<[[0, 4, 0]]>}> : (tensor<?x4xui8>) -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: an addition has a negative number or no columns
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    add columns 0 to 3 on unit 0 at -1 ps
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: an addition has a negative number or no columns
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    add columns 0 to -1 on unit 0 at 0 ps
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: arrays multiply ui8 or i8 to i32, found f32 to i32
func.func @main(%x: tensor<?x4xf32>) {
  %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xf32> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: array.multiply of node '/fc': a tile reaches beyond weight @w of 4x4
cim.weight @w = dense<1> : tensor<4x4xi8>
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    tile 1: rows 0 to 3, columns 4 to 4
  } : tensor<?x4xui8> -> tensor<?x4xi32> loc("/fc")
  func.return
}

// -----

// CHECK: a stage has a negative number, start or duration
func.func @main() {
  array.stage 0 start_ps -1 duration_ps 1 {
    array.yield :
  } :
  func.return
}

// -----

// CHECK: a stage holds transfers into arrays, array.multiply and transfers out of arrays, in this order, and ends with array.yield
func.func @main(%x: tensor<?x4xui8>) {
  %a = array.stage 0 start_ps 0 duration_ps 1 {
    %y = cim.digital "Neg"(%x) : (tensor<?x4xui8>) -> tensor<?x4xi32>
    array.yield %y : tensor<?x4xi32>
  } : tensor<?x4xi32>
  func.return
}

// -----

// CHECK: Region 'body' at position 0 expected a single block, but got 0 blocks
func.func @main() {
  array.stage 0 start_ps 0 duration_ps 1 {
  } :
  func.return
}

// -----

// CHECK: a stage yields the results of its multiplications, each once and in their order
func.func @main(%x: tensor<?x4xui8>) {
  %a, %b = array.stage 0 start_ps 0 duration_ps 1 {
    %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 : tensor<?x4xui8>
    %y = array.multiply %in by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %out = array.transfer %y "out of arrays" start_ps 1 duration_ps 0 : tensor<?x4xi32>
    array.yield %out, %out : tensor<?x4xi32>, tensor<?x4xi32>
  } : tensor<?x4xi32>, tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a stage yields other types than it has results
func.func @main(%x: tensor<?x4xui8>) {
  %a = array.stage 0 start_ps 0 duration_ps 1 {
    %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 : tensor<?x4xui8>
    %y = array.multiply %in by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %out = array.transfer %y "out of arrays" start_ps 1 duration_ps 0 : tensor<?x4xi32>
    array.yield %out : tensor<?x4xi32>
  } : tensor<5x4xi32>
  func.return
}

// -----

// CHECK: a stage multiplies what it did not move into arrays
func.func @main(%x: tensor<?x4xui8>) {
  %a = array.stage 0 start_ps 0 duration_ps 1 {
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %out = array.transfer %y "out of arrays" start_ps 1 duration_ps 0 : tensor<?x4xi32>
    array.yield %out : tensor<?x4xi32>
  } : tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a stage yields the results of its multiplications, each once and in their order
func.func @main(%x: tensor<?x4xui8>) {
  %a = array.stage 0 start_ps 0 duration_ps 1 {
    %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 : tensor<?x4xui8>
    %y = array.multiply %in by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    array.yield %y : tensor<?x4xi32>
  } : tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a transfer 'sideways': expected 'into arrays' or 'out of arrays'
func.func @main(%x: tensor<?x4xui8>) {
  array.stage 0 start_ps 0 duration_ps 1 {
    %in = array.transfer %x "sideways" start_ps 0 duration_ps 0 : tensor<?x4xui8>
    array.yield :
  } :
  func.return
}

// -----

// CHECK: a transfer has a negative number, start or duration
func.func @main(%x: tensor<?x4xui8>) {
  array.stage 0 start_ps 0 duration_ps 1 {
    %in = array.transfer %x "into arrays" start_ps -1 duration_ps 0 : tensor<?x4xui8>
    array.yield :
  } :
  func.return
}

// -----

// CHECK: a transfer has a negative number, start or duration
func.func @main(%x: tensor<?x4xui8>) {
  array.stage 0 start_ps 0 duration_ps 1 {
    %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 on link -1 : tensor<?x4xui8>
    array.yield :
  } :
  func.return
}

// -----

// CHECK: expects parent op 'array.stage'
func.func @main(%x: tensor<?x4xui8>) {
  %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 : tensor<?x4xui8>
  func.return
}

// -----

// CHECK: expects parent op to be one of 'array.stage', 'array.kernel'
func.func @main() {
  array.yield :
}

// -----

// CHECK: a kernel has a negative number, start or duration
func.func @main(%x: tensor<4xf32>) {
  %a = array.kernel 0 start_ps 0 duration_ps -1 {
    array.yield %x : tensor<4xf32>
  } : tensor<4xf32>
  func.return
}

// -----

// CHECK: a kernel holds cim.digital and constants and ends with array.yield
func.func @main(%x: tensor<?x4xui8>) {
  %a = array.kernel 0 start_ps 0 duration_ps 0 {
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    array.yield %y : tensor<?x4xi32>
  } : tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a kernel yields nothing, expected what others need of it
func.func @main() {
  array.kernel 0 start_ps 0 duration_ps 0 {
    array.yield :
  } :
  func.return
}

// -----

// CHECK: a kernel yields other types than it has results
func.func @main(%x: tensor<4xf32>) {
  %a = array.kernel 0 start_ps 0 duration_ps 0 {
    array.yield %x : tensor<4xf32>
  } : tensor<5xf32>
  func.return
}

// -----

// CHECK: work of a kernel has no rows of operator, unit, start_ps, duration_ps
func.func @main(%x: tensor<4xf32>) {
  %a = "array.kernel"() <{number = 0 : i64, start_ps = 0 : i64, duration_ps = 1200 : i64, work = #array.table<[[0, 1200]]>}> ({
    %y = cim.digital "Neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    array.yield %y : tensor<4xf32>
  }) : () -> tensor<4xf32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: work of a kernel has no rows of operator, unit, start_ps, duration_ps
func.func @main(%x: tensor<4xf32>) {
  %a = array.kernel 0 start_ps 0 duration_ps 1200 {
    %y = cim.digital "Neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    array.yield %y : tensor<4xf32>
  } work {
    operator 0 on unit 0 at -1 ps for 10 ps
  } : tensor<4xf32>
  func.return
}

// -----

// CHECK: work on operator 1 of a kernel, expected one of 0 to 0
func.func @main(%x: tensor<4xf32>) {
  %a = array.kernel 0 start_ps 0 duration_ps 1200 {
    %y = cim.digital "Neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    array.yield %y : tensor<4xf32>
  } work {
    operator 1 on unit 0 at 0 ps for 10 ps
  } : tensor<4xf32>
  func.return
}

// -----

// CHECK: work of a kernel ends after the kernel
func.func @main(%x: tensor<4xf32>) {
  %a = array.kernel 0 start_ps 0 duration_ps 1200 {
    %y = cim.digital "Neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    array.yield %y : tensor<4xf32>
  } work {
    operator 0 on unit 0 at 1000 ps for 201 ps
  } : tensor<4xf32>
  func.return
}

// -----

// CHECK: a permutation has a negative number, start or duration
func.func @main(%x: tensor<2xf32>) {
  %y = array.permute %x, @swap start_ps -5 duration_ps 5 : tensor<2xf32> -> tensor<2xf32>
  func.return
}

// -----

// CHECK: permutation of f32 gives f64, expected f32
func.func @main(%x: tensor<2xf32>) {
  %y = array.permute %x, @swap start_ps 0 duration_ps 5 : tensor<2xf32> -> tensor<2xf64>
  func.return
}

// -----

// CHECK: array.permute of node '/swap': weight @swap is used but not defined: expected a cim.weight of that name
func.func @main(%x: tensor<2xf32>) {
  %y = array.permute %x, @swap start_ps 0 duration_ps 5 : tensor<2xf32> -> tensor<2xf32> loc("/swap")
  func.return
}

// -----

// CHECK: While is no control flow: expected If, Loop, Scan
func.func @main(%go: tensor<i1>, %x: tensor<4xf32>) {
  %y = array.control "While"(%go) bodies ["body"] start_ps 0 duration_ps 0 {
    array.yield %x : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: If has 1 bodies: expected else_branch and then_branch
func.func @main(%go: tensor<i1>, %x: tensor<4xf32>) {
  %y = array.control "If"(%go) bodies ["then_branch"] start_ps 0 duration_ps 0 {
    array.yield %x : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: Scan has 1 bodies and 2 names for them
func.func @main(%x: tensor<4xf32>) {
  %y = array.control "Scan"(%x) bodies ["body", "other"] start_ps 0 duration_ps 0 {
  ^bb0(%s: tensor<4xf32>):
    array.yield %s : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: body 'body' of Scan takes 1 values and gives 2: expected 1 and 1
func.func @main(%x: tensor<4xf32>) {
  %y = array.control "Scan"(%x) bodies ["body"] start_ps 0 duration_ps 0 {
  ^bb0(%s: tensor<4xf32>):
    array.yield %s, %s : tensor<4xf32>, tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: control flow has a negative start or duration
func.func @main(%x: tensor<4xf32>) {
  %y = array.control "Scan"(%x) bodies ["body"] start_ps 0 duration_ps -1 {
  ^bb0(%s: tensor<4xf32>):
    array.yield %s : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: body 'body' of Scan holds what is not scheduled: expected array.kernel, array.stage, array.permute, array.control and constants
func.func @main(%x: tensor<4xf32>) {
  %y = array.control "Scan"(%x) bodies ["body"] start_ps 0 duration_ps 0 {
  ^bb0(%s: tensor<4xf32>):
    %n = cim.digital "Neg"(%s) : (tensor<4xf32>) -> tensor<4xf32>
    array.yield %n : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: inputs of 9 bits: expected 4 to 8
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x of 9 bits by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: inputs of 4 bits are i8, expected ui8
func.func @main(%x: tensor<?x4xi8>) {
  %y = array.multiply %x of 4 bits by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xi8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a weight of 1 copies, expected 2 or more
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w copies 1 {
    tile 0: rows 0 to 3, columns 0 to 3
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: tiles of 1 copies of the weight, expected those of 2
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w copies 2 {
    tile 0 of copy 0: rows 0 to 3, columns 0 to 3
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: an addition of copy 2, there are 2
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x by @w copies 2 {
    tile 0 of copy 0: rows 0 to 3, columns 0 to 3
    tile 1 of copy 1: rows 0 to 3, columns 0 to 3
    add columns 0 to 3 of copy 2 on unit 0 at 0 ps
  } : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}
