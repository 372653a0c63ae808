// RUN: cim-opt %s --split-input-file | cim-opt --split-input-file | filecheck %s
// RUN: cim-opt %s --split-input-file --print-op-generic | cim-opt --split-input-file | filecheck %s

// Each pass adds one table: tiles, places, row groups.
cim.weight @w = dense<1> : tensor<6x4xi8>
func.func @main(%x: tensor<?x6xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  // CHECK: %tiled = array.multiply %x by @w {
  // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3
  // CHECK-NEXT:        tile 1: rows 4 to 5, columns 0 to 3
  // CHECK-NEXT:      } : tensor<?x6xui8> -> tensor<?x4xi32>
  %tiled = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3
    tile 1: rows 4 to 5, columns 0 to 3
  } : tensor<?x6xui8> -> tensor<?x4xi32>
  // CHECK: %placed = array.multiply %x by @w {
  // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
  // CHECK-NEXT:        tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 2, column 0
  // CHECK-NEXT:      } : tensor<?x6xui8> -> tensor<?x4xi32>
  %placed = array.multiply %x by @w {
    tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 2, column 0
  } : tensor<?x6xui8> -> tensor<?x4xi32>
  func.return %tiled, %placed : tensor<?x4xi32>, tensor<?x4xi32>
}

// -----

// Multiplications of one stage, of unsigned and of signed inputs, which move into arrays before and out of them after.
cim.weight @w = dense<1> : tensor<4x4xi8>
func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xi8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  // CHECK:      %a, %b = array.stage 7 start_ps 0 duration_ps 52000 {
  // CHECK-NEXT:   %xs = array.transfer %x "into arrays" start_ps 0 duration_ps 5000 : tensor<?x4xui8>
  // CHECK-NEXT:   %zs = array.transfer %z "into arrays" start_ps 0 duration_ps 5000 on link 1 : tensor<?x4xi8>
  // CHECK-NEXT:   %left = array.multiply %xs by @w {
  // CHECK-NEXT:     tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
  // CHECK-NEXT:     convert rows 0 to 2 of tile 0 to 4 bits at 5000 ps, sums up to 9
  // CHECK-NEXT:     convert rows 3 to 3 of tile 0 to 2 bits at 6000 ps, sums up to 3
  // CHECK-NEXT:   } : tensor<?x4xui8> -> tensor<?x4xi32>
  // CHECK-NEXT:   %right = array.multiply %zs by @w {
  // CHECK-NEXT:     tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
  // CHECK-NEXT:   } : tensor<?x4xi8> -> tensor<?x4xi32>
  // CHECK-NEXT:   %lefts = array.transfer %left "out of arrays" start_ps 47000 duration_ps 5000 : tensor<?x4xi32>
  // CHECK-NEXT:   %rights = array.transfer %right "out of arrays" start_ps 47000 duration_ps 5000 : tensor<?x4xi32>
  // CHECK-NEXT:   array.yield %lefts, %rights : tensor<?x4xi32>, tensor<?x4xi32>
  // CHECK-NEXT: } : tensor<?x4xi32>, tensor<?x4xi32>
  %a, %b = array.stage 7 start_ps 0 duration_ps 52000 {
    %xs = array.transfer %x "into arrays" start_ps 0 duration_ps 5000 : tensor<?x4xui8>
    %zs = array.transfer %z "into arrays" start_ps 0 duration_ps 5000 on link 1 : tensor<?x4xi8>
    %left = array.multiply %xs by @w {
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      convert rows 0 to 2 of tile 0 to 4 bits at 5000 ps, sums up to 9
      convert rows 3 to 3 of tile 0 to 2 bits at 6000 ps, sums up to 3
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    %right = array.multiply %zs by @w { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xi8> -> tensor<?x4xi32>
    %lefts = array.transfer %left "out of arrays" start_ps 47000 duration_ps 5000 : tensor<?x4xi32>
    %rights = array.transfer %right "out of arrays" start_ps 47000 duration_ps 5000 : tensor<?x4xi32>
    array.yield %lefts, %rights : tensor<?x4xi32>, tensor<?x4xi32>
  } : tensor<?x4xi32>, tensor<?x4xi32>
  func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
}

// -----

// Additions of partial sums: of which columns, on which digital unit, when in the stage.
cim.weight @w = dense<1> : tensor<6x4xi8>
func.func @main(%x: tensor<?x6xui8>) -> tensor<?x4xi32> {
  // CHECK: %sums = array.multiply %in by @w {
  // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
  // CHECK-NEXT:        tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 2, column 0
  // CHECK-NEXT:        convert rows 0 to 3 of tile 0 to 4 bits at 0 ps, sums up to 12
  // CHECK-NEXT:        convert rows 0 to 1 of tile 1 to 3 bits at 0 ps, sums up to 6
  // CHECK-NEXT:        add columns 0 to 2 on unit 0 at 40000 ps
  // CHECK-NEXT:        add columns 3 to 3 on unit 1 at 40000 ps
  // CHECK-NEXT:      } : tensor<?x6xui8> -> tensor<?x4xi32>
  %y = array.stage 3 start_ps 90000 duration_ps 52000 {
    %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 : tensor<?x6xui8>
    %sums = array.multiply %in by @w {
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 2, column 0
      convert rows 0 to 3 of tile 0 to 4 bits at 0 ps, sums up to 12
      convert rows 0 to 1 of tile 1 to 3 bits at 0 ps, sums up to 6
      add columns 0 to 2 on unit 0 at 40000 ps
      add columns 3 to 3 on unit 1 at 40000 ps
    } : tensor<?x6xui8> -> tensor<?x4xi32>
    %out = array.transfer %sums "out of arrays" start_ps 52000 duration_ps 0 : tensor<?x4xi32>
    array.yield %out : tensor<?x4xi32>
  } : tensor<?x4xi32>
  func.return %y : tensor<?x4xi32>
}

// -----

// Kernels: which units work on which operator, from when on and for how long; and a permutation with its time.
cim.weight @swap = dense<[1, 0]> : tensor<2xi64>
func.func @main(%x: tensor<?x2xf32>, %c: tensor<i1>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<i8>) {
  // CHECK:      %e, %y = array.kernel 4 start_ps 1200 duration_ps 1410 {
  %e, %y = array.kernel 4 start_ps 1200 duration_ps 1410 {
    %erf = cim.digital "Erf"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %soft = cim.digital "Softmax"(%erf) with {axis = -1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %if = cim.digital "If"(%c) bodies ["then_branch"] {
      cim.yield %soft : tensor<?x2xf32>
    } : (tensor<i1>) -> tensor<?x2xf32>
    // CHECK:        array.yield %erf, %if : tensor<?x2xf32>, tensor<?x2xf32>
    // CHECK-NEXT: } work {
    // CHECK-NEXT:   operator 0 on unit 0 at 0 ps for 500 ps  // Erf
    // CHECK-NEXT:   operator 0 on unit 1 at 0 ps for 500 ps  // Erf
    // CHECK-NEXT:   operator 1 on unit 0 at 500 ps for 900 ps  // Softmax
    // CHECK-NEXT:   operator 2 on unit 0 at 1400 ps for 10 ps  // If
    // CHECK-NEXT: } : tensor<?x2xf32>, tensor<?x2xf32>
    array.yield %erf, %if : tensor<?x2xf32>, tensor<?x2xf32>
  } work {
    operator 0 on unit 0 at 0 ps for 500 ps
    operator 0 on unit 1 at 0 ps for 500 ps
    operator 1 on unit 0 at 500 ps for 900 ps
    operator 2 on unit 0 at 1400 ps for 10 ps
  } : tensor<?x2xf32>, tensor<?x2xf32>
  // CHECK: %z = array.permute %y, @swap start_ps 2610 duration_ps 5000 on link 3 : tensor<?x2xf32> -> tensor<?x2xf32>
  %z = array.permute %y, @swap start_ps 2610 duration_ps 5000 on link 3 : tensor<?x2xf32> -> tensor<?x2xf32>
  %one = cim.constant dense<1> : tensor<i8>
  // CHECK:      %ones = array.kernel 5 start_ps 0 duration_ps 0 {
  // CHECK-NEXT:   array.yield %one : tensor<i8>
  // CHECK-NEXT: } : tensor<i8>
  %ones = array.kernel 5 start_ps 0 duration_ps 0 {
    array.yield %one : tensor<i8>
  } : tensor<i8>
  func.return %e, %z, %ones : tensor<?x2xf32>, tensor<?x2xf32>, tensor<i8>
}

// -----

// Control flow: a row of what is scheduled in each body.
func.func @main(%go: tensor<i1>, %x: tensor<?x4xf32>, %xs: tensor<?x2x4xf32>) -> (tensor<?x4xf32>, tensor<2x4xf32>, tensor<?x2x4xf32>) {
  // CHECK:      %y = array.control "If"(%go) bodies ["then_branch", "else_branch"] start_ps 0 duration_ps 4000 {
  // CHECK-NEXT:   array.yield %x : tensor<?x4xf32>
  // CHECK-NEXT: } {
  // CHECK-NEXT:   %negative = array.kernel 0 start_ps 0 duration_ps 4000 {
  // CHECK:        array.yield %negative : tensor<?x4xf32>
  // CHECK-NEXT: } : (tensor<i1>) -> tensor<?x4xf32>
  %y = array.control "If"(%go) bodies ["then_branch", "else_branch"] start_ps 0 duration_ps 4000 {
    array.yield %x : tensor<?x4xf32>
  } {
    %negative = array.kernel 0 start_ps 0 duration_ps 4000 {
      %n = cim.digital "Neg"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
      array.yield %n : tensor<?x4xf32>
    } : tensor<?x4xf32>
    array.yield %negative : tensor<?x4xf32>
  } : (tensor<i1>) -> tensor<?x4xf32>
  %first = cim.constant dense<0.0> : tensor<2x4xf32>
  // CHECK:      %last, %all = array.control "Scan"(%first, %xs) with {num_scan_inputs = 1 : i64} bodies ["body"] start_ps 4000 duration_ps 0 {
  // CHECK-NEXT: ^{{.*}}(%state: tensor<2x4xf32>, %part: tensor<2x4xf32>):
  // CHECK-NEXT:   array.yield %part, %state : tensor<2x4xf32>, tensor<2x4xf32>
  // CHECK-NEXT: } : (tensor<2x4xf32>, tensor<?x2x4xf32>) -> (tensor<2x4xf32>, tensor<?x2x4xf32>)
  %last, %all = array.control "Scan"(%first, %xs) with {num_scan_inputs = 1 : i64} bodies ["body"] start_ps 4000 duration_ps 0 {
  ^bb0(%state: tensor<2x4xf32>, %part: tensor<2x4xf32>):
    array.yield %part, %state : tensor<2x4xf32>, tensor<2x4xf32>
  } : (tensor<2x4xf32>, tensor<?x2x4xf32>) -> (tensor<2x4xf32>, tensor<?x2x4xf32>)
  func.return %y, %last, %all : tensor<?x4xf32>, tensor<2x4xf32>, tensor<?x2x4xf32>
}

// -----

// In how many bits, and in which encoding, a weight stands in its arrays, and of how many bits its inputs are.
cim.weight @w = dense<1> : tensor<4x4xi8>
func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>) {
  // CHECK:      %narrow = array.multiply %x of 5 bits by @w in 4 bits "twos-complement" {
  // CHECK-NEXT:   tile 0: rows 0 to 3, columns 0 to 3
  // CHECK-NEXT: } : tensor<?x4xui8> -> tensor<?x4xi32>
  %narrow = array.multiply %x of 5 bits by @w in 4 bits "twos-complement" { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
  // CHECK-NEXT: %centred = array.multiply %x by @w in 8 bits "offset" centred {
  %centred = array.multiply %x by @w in 8 bits "offset" centred { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
  // CHECK:      %generic = array.multiply %x of 4 bits by @w in 2 bits "offset" centred {
  %generic = "array.multiply"(%x) <{weight = @w, tiles = #array.table<[[0, 0, 4, 4]]>, input_bits = 4 : i64, format = #array.format<2, "offset", centred>}> : (tensor<?x4xui8>) -> tensor<?x4xi32>
  func.return %narrow, %centred, %generic : tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>
}

// -----

// A weight that lies in the arrays twice: vectors are multiplied by one copy and the other in turn.
cim.weight @w = dense<1> : tensor<6x4xi8>
func.func @main(%x: tensor<?x6xui8>) -> tensor<?x4xi32> {
  // CHECK: %y = array.multiply %x by @w in 6 bits "offset" copies 2 {
  // CHECK-NEXT:   tile 0 of copy 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
  // CHECK-NEXT:   tile 1 of copy 0: rows 4 to 5, columns 0 to 3 in array 1 at row 0, column 0
  // CHECK-NEXT:   tile 2 of copy 1: rows 0 to 5, columns 0 to 3 in array 2 at row 0, column 0
  // CHECK-NEXT:   convert rows 0 to 3 of tile 0 to 4 bits at 0 ps, sums up to 9
  // CHECK-NEXT:   add columns 0 to 3 of copy 0 on unit 0 at 6000 ps
  // CHECK-NEXT: } : tensor<?x6xui8> -> tensor<?x4xi32>
  %y = array.multiply %x by @w in 6 bits "offset" copies 2 {
    tile 0 of copy 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    tile 1 of copy 0: rows 4 to 5, columns 0 to 3 in array 1 at row 0, column 0
    tile 2 of copy 1: rows 0 to 5, columns 0 to 3 in array 2 at row 0, column 0
    convert rows 0 to 3 of tile 0 to 4 bits at 0 ps, sums up to 9
    add columns 0 to 3 of copy 0 on unit 0 at 6000 ps
  } : tensor<?x6xui8> -> tensor<?x4xi32>
  func.return %y : tensor<?x4xi32>
}
