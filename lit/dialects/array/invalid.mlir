// RUN: cim-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CHECK: tiles has 3 columns, expected 4: weight_row, weight_column, rows, columns
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: at has 2 columns, expected 3: array, row, column
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: groups has 1 columns, expected 7: tile, first_row, rows, adc_bits, adc_shift, bound, start_ps
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> groups <[[0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: 2 places for 1 tiles
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0], [1, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a tile starts before its weight or is empty
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, -1, 4, 4]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: a tile starts before its weight or is empty
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a place has a negative number
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[-1, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a row group of tile 1, expected one of 0 to 0
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> groups <[[1, 0, 4, 4, 0, 9, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a row group of rows 2 to 4, tile 0 has rows 0 to 3
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> groups <[[0, 2, 3, 4, 0, 9, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a row group needs at least 1 ADC bit; shift, bound and start may not be negative
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> groups <[[0, 0, 4, 0, 0, 9, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: a row group needs at least 1 ADC bit; shift, bound and start may not be negative
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> groups <[[0, 0, 4, 4, 0, 9, -1]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: adds has 3 columns, expected 4: first_column, columns, unit, start_ps
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> adds <[[0, 4, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: an addition has a negative number or no columns
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> adds <[[0, 4, 0, -1]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: {{^// -+$}}
// CHECK: an addition has a negative number or no columns
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> adds <[[0, 0, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: arrays multiply ui8 or i8 to i32, found f32 to i32
func.func @main(%x: tensor<?x4xf32>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> : tensor<?x4xf32> -> tensor<?x4xi32>
  func.return
}

// -----

// CHECK: array.multiply of node '/fc': a tile reaches beyond weight @w of 4x4
cim.weight @w = dense<1> : tensor<4x4xi8>
func.func @main(%x: tensor<?x4xui8>) {
  %y = array.multiply %x, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 1]]> : tensor<?x4xui8> -> tensor<?x4xi32> loc("/fc")
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

// CHECK: a stage holds array.multiply and ends with array.yield
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
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    array.yield %y, %y : tensor<?x4xi32>, tensor<?x4xi32>
  } : tensor<?x4xi32>, tensor<?x4xi32>
  func.return
}

// -----

// CHECK: a stage yields other types than it has results
func.func @main(%x: tensor<?x4xui8>) {
  %a = array.stage 0 start_ps 0 duration_ps 1 {
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    array.yield %y : tensor<?x4xi32>
  } : tensor<5x4xi32>
  func.return
}

// -----

// CHECK: expects parent op 'array.stage'
func.func @main() {
  array.yield :
}
