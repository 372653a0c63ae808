// RUN: cim-opt %s --split-input-file -p schedule-arrays --verify-each | filecheck %s

// What does not depend on each other runs in one stage: Q, K and V; what does, in the next.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @q = dense<0> : tensor<2x2xi8>
  cim.weight @k = dense<1> : tensor<2x2xi8>
  cim.weight @v = dense<-128> : tensor<2x2xi8>
  cim.weight @o = dense<127> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x2xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    // CHECK:      %q, %k, %v = array.stage 0 start_ps 0 duration_ps {{[0-9]+}} {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.multiply %x_1 by @q
    // CHECK:        array.multiply %x_1 by @k
    // CHECK:        array.multiply %x_1 by @v
    // CHECK:        array.transfer %q_1 "out of arrays" start_ps 133000 duration_ps 5000
    // CHECK-NEXT:   array.transfer %k_1 "out of arrays" start_ps 133000 duration_ps 5000
    // CHECK-NEXT:   array.transfer %v_1 "out of arrays" start_ps 101000 duration_ps 5000
    // CHECK-NEXT:   array.yield
    // CHECK-NEXT: }
    // CHECK-NEXT: %sums, %bytes = array.kernel 0 start_ps 138000 duration_ps 0 {
    // CHECK-NEXT:   %sum = cim.digital "Add"(%q, %k)
    // CHECK-NEXT:   %sums_1 = cim.digital "Add"(%sum, %v)
    // CHECK-NEXT:   %bytes_1 = cim.digital "Cast"(%sums_1)
    // CHECK-NEXT:   array.yield %sums_1, %bytes_1
    // CHECK-NEXT: }
    // CHECK-NEXT: %y = array.stage 1 start_ps 138000 duration_ps 138000 {
    %q = array.multiply %x by @q { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %k = array.multiply %x by @k { tile 0: rows 0 to 1, columns 0 to 1 in array 1 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %sum = cim.digital "Add"(%q, %k) : (tensor<?x2xi32>, tensor<?x2xi32>) -> tensor<?x2xi32>
    %v = array.multiply %x by @v { tile 0: rows 0 to 1, columns 0 to 1 in array 2 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %sums = cim.digital "Add"(%sum, %v) : (tensor<?x2xi32>, tensor<?x2xi32>) -> tensor<?x2xi32>
    %bytes = cim.digital "Cast"(%sums) with {to = 2 : i64} : (tensor<?x2xi32>) -> tensor<?x2xui8>
    %y = array.multiply %bytes by @o { tile 0: rows 0 to 1, columns 0 to 1 in array 3 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    func.return %y, %sums : tensor<?x2xi32>, tensor<?x2xi32>
  }
}

// -----

// The ADC bits are those that the cells need: 4 rows of cells of at most 3 sum up to 12, which takes 4 bits. A row group
// takes 8 planes of 10 ns and 4 columns of 4 ns on the only ADC: 208 ns, and 5 ns for each transfer.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 218000 {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.multiply %x_1 by @w {
    // CHECK-NEXT:     tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    // CHECK-NEXT:     convert rows 0 to 3 of tile 0 to 4 bits at 5000 ps, sums up to 12
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}

// -----

// Where the ADC would clip, rows are driven in groups, one after the other: with 3 bits, 7 at most.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 3, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 362000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK:          convert rows 0 to 1 of tile 0 to 3 bits at 5000 ps, sums up to 6
    // CHECK-NEXT:     convert rows 2 to 3 of tile 0 to 3 bits at 181000 ps, sums up to 6
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}

// -----

// Tiles in the same columns wait for each other, tiles of different arrays do not, whatever weight they are of. A cell of 0 in
// every slice is -128.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x4xi8>
  cim.weight @v = dense<-128> : tensor<2x1xi8>
  func.func @main(%x: tensor<?x2xui8>) -> (tensor<?x4xi32>, tensor<?x1xi32>) {
    // CHECK:      %y, %z = array.stage 0 start_ps 0 duration_ps 194000 {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.multiply %x_1 by @w {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 1 of tile 1 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    // CHECK-NEXT:   array.multiply %x_1 by @v {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 101000 ps, sums up to 0
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
      tile 1: rows 0 to 1, columns 2 to 3 in array 1 at row 0, column 0
    } : tensor<?x2xui8> -> tensor<?x4xi32>
    %z = array.multiply %x by @v { tile 0: rows 0 to 1, columns 0 to 0 in array 1 at row 2, column 0 } : tensor<?x2xui8> -> tensor<?x1xi32>
    func.return %y, %z : tensor<?x4xi32>, tensor<?x1xi32>
  }
}

// -----

// On a diagonal no sum is spoilt by the other block: both are one activation, with one settling of the rows. A plane takes
// 10 ns and 4 columns of 1 ns.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2x2xi8> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 122000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 1 of tile 1 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
      tile 1: rows 2 to 3, columns 2 to 3 in array 0 at row 2, column 2
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}

// -----

// The same two blocks, but their rows have cells in each other's columns: these of @other, though it runs later.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2x2xi8> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
  cim.weight @other = dense<-128> : tensor<4x1xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x1xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 202000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 1 of tile 1 to 1 bits at 101000 ps, sums up to 0
    // CHECK-NEXT:   } :
    // CHECK:      %z = array.stage 1 start_ps 202000 duration_ps 188000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 1 of tile 1 to 1 bits at 93000 ps, sums up to 0
    // CHECK-NEXT:     add columns 0 to 0 on unit 0 at 181000 ps
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
      tile 1: rows 2 to 3, columns 2 to 3 in array 0 at row 2, column 2
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    %q = cim.digital "Cast"(%y) with {to = 2 : i64} : (tensor<?x4xi32>) -> tensor<?x4xui8>
    %z = array.multiply %q by @other {
      tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 2, column 0
      tile 1: rows 2 to 3, columns 0 to 0 in array 0 at row 0, column 2
    } : tensor<?x4xui8> -> tensor<?x1xi32>
    func.return %z : tensor<?x1xi32>
  }
}

// -----

// Beside each other on the same rows, driven with the same inputs, as of Q and K; @v gets other inputs and waits.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @q = dense<-128> : tensor<2x1xi8>
  cim.weight @k = dense<-128> : tensor<2x1xi8>
  cim.weight @v = dense<-128> : tensor<2x1xi8>
  func.func @main(%x: tensor<?x2xui8>, %z: tensor<?x2xui8>) -> (tensor<?x1xi32>, tensor<?x1xi32>, tensor<?x1xi32>) {
    // CHECK:      %a, %b, %c = array.stage 0 start_ps 0 duration_ps 194000 {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.transfer %z "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.multiply %x_1 by @q {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    // CHECK-NEXT:   array.multiply %x_1 by @k {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    // CHECK-NEXT:   array.multiply %z_1 by @v {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 101000 ps, sums up to 0
    // CHECK-NEXT:   } :
    %a = array.multiply %x by @q { tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x1xi32>
    %b = array.multiply %x by @k { tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 0, column 1 } : tensor<?x2xui8> -> tensor<?x1xi32>
    %c = array.multiply %z by @v { tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 0, column 2 } : tensor<?x2xui8> -> tensor<?x1xi32>
    func.return %a, %b, %c : tensor<?x1xi32>, tensor<?x1xi32>, tensor<?x1xi32>
  }
}

// -----

// A matrix of 9 rows has three partial sums of each column: two additions of 2 ns on the only unit, the first as soon as the
// two small ones are there.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<9x1xi8>
  func.func @main(%x: tensor<?x9xui8>) -> tensor<?x1xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 102000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK:          convert rows 0 to 3 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 3 of tile 1 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 0 of tile 2 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     add columns 0 to 0 on unit 0 at 93000 ps
    // CHECK-NEXT:     add columns 0 to 0 on unit 0 at 95000 ps
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 0 in array 0 at row 0, column 0
      tile 1: rows 4 to 7, columns 0 to 0 in array 1 at row 0, column 0
      tile 2: rows 8 to 8, columns 0 to 0 in array 2 at row 0, column 0
    } : tensor<?x9xui8> -> tensor<?x1xi32>
    func.return %y : tensor<?x1xi32>
  }
}

// -----

// A permutation moves a vector once more: 5 ns, those of different vectors at the same time.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2xi8>
  cim.weight @swap = dense<[1, 0]> : tensor<2xi64>
  func.func @main(%x: tensor<?x2xui8>, %z: tensor<?x2xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    // CHECK:      %a = array.permute %x, @swap start_ps 0 duration_ps 5000 :
    // CHECK-NEXT: %b = array.permute %z, @swap start_ps 0 duration_ps 5000 :
    // CHECK-NEXT: %c = array.permute %b, @swap start_ps 5000 duration_ps 5000 :
    // CHECK-NEXT: array.stage 0 start_ps 5000 duration_ps 202000
    %a = cim.permute %x, @swap : tensor<?x2xui8> -> tensor<?x2xui8>
    %b = cim.permute %z, @swap : tensor<?x2xui8> -> tensor<?x2xui8>
    %c = cim.permute %b, @swap : tensor<?x2xui8> -> tensor<?x2xui8>
    %y = array.multiply %a by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %q = array.multiply %c by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    func.return %y, %q : tensor<?x2xi32>, tensor<?x2xi32>
  }
}

// -----

// Constants stand in the kernel that alone reads them, others before the first kernel that does, and what a stage or the
// caller takes as it is comes out of a kernel.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<1> : tensor<2x2xi8>
  cim.weight @table = dense<[1, 2]> : tensor<2xi32>
  func.func @main(%x: tensor<?x2xui8>) -> (tensor<?x2xui8>, tensor<2xi32>) {
    %late = cim.constant dense<3> : tensor<i32>
    %table = cim.read @table : tensor<2xi32>
    // CHECK:      func.func
    // CHECK-NEXT: %table = cim.read @table : tensor<2xi32>
    // CHECK-NEXT: %both = cim.constant dense<1> : tensor<ui8>
    // CHECK-NEXT: %table_1, %a = array.kernel 0
    // CHECK-NEXT:   cim.digital "Add"(%x, %both)
    // CHECK-NEXT:   array.yield %table, %{{.*}} :
    %both = cim.constant dense<1> : tensor<ui8>
    %a = cim.digital "Add"(%x, %both) : (tensor<?x2xui8>, tensor<ui8>) -> tensor<?x2xui8>
    // CHECK:      %y = array.stage 0
    // CHECK:      %c = array.kernel 1
    // CHECK-NEXT:   %late = cim.constant dense<3> : tensor<i32>
    // CHECK-NEXT:   %b = cim.digital "Mul"(%y, %late)
    // CHECK-NEXT:   %bytes = cim.digital "Cast"(%b)
    // CHECK-NEXT:   %c_1 = cim.digital "Add"(%bytes, %both)
    // CHECK-NEXT:   array.yield %c_1 :
    // CHECK-NEXT: }
    // CHECK-NEXT: func.return
    %y = array.multiply %a by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %b = cim.digital "Mul"(%y, %late) : (tensor<?x2xi32>, tensor<i32>) -> tensor<?x2xi32>
    %bytes = cim.digital "Cast"(%b) with {to = 2 : i64} : (tensor<?x2xi32>) -> tensor<?x2xui8>
    %c = cim.digital "Add"(%bytes, %both) : (tensor<?x2xui8>, tensor<ui8>) -> tensor<?x2xui8>
    func.return %c, %table : tensor<?x2xui8>, tensor<2xi32>
  }
}

// -----

// A body of control flow waits for what it sees from outside.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<1> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x2xui8>, %go: tensor<i1>) -> tensor<?x2xi32> {
    // CHECK:      %y = array.stage 0
    // CHECK:      %z = array.kernel 0
    // CHECK-NEXT:   cim.digital "If"(%go)
    %y = array.multiply %x by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %z = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
      cim.yield %y : tensor<?x2xi32>
    } {
      %n = cim.digital "Neg"(%y) : (tensor<?x2xi32>) -> tensor<?x2xi32>
      cim.yield %n : tensor<?x2xi32>
    } : (tensor<i1>) -> tensor<?x2xi32>
    func.return %z : tensor<?x2xi32>
  }
}

// -----

// One weight and two inputs, in one stage: the same cells twice, one activation after the other.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x2xui8>, %z: tensor<?x2xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    // CHECK:      %y, %q = array.stage 0 start_ps 0 duration_ps 202000 {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.transfer %z "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.multiply %x_1 by @w {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    // CHECK-NEXT:   array.multiply %z_1 by @w {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 101000 ps, sums up to 0
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %q = array.multiply %z by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    func.return %y, %q : tensor<?x2xi32>, tensor<?x2xi32>
  }
}

// -----

// Signed inputs, two bits at a time: four planes and one for the sign, each of 10 ns and 4 columns of 1 ns; a diagonal of
// signed and unsigned inputs takes as long as the signed ones need.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 2, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2xi8>
  cim.weight @v = dense<-128> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x2xi8>, %z: tensor<?x2xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    // CHECK:      %y, %q = array.stage 0 start_ps 0 duration_ps 80000 {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.transfer %z "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   array.multiply %x_1 by @w {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    // CHECK-NEXT:   array.multiply %z_1 by @v {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xi8> -> tensor<?x2xi32>
    %q = array.multiply %z by @v { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 2, column 2 } : tensor<?x2xui8> -> tensor<?x2xi32>
    func.return %y, %q : tensor<?x2xi32>, tensor<?x2xi32>
  }
}

// -----

// A digital unit adds a vector of 3 elements at once, so 4 columns take two additions, here on two units.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 2, add_ns = 2.0, vector_width = 3>} {
  cim.weight @w = dense<-128> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 124000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     convert rows 0 to 1 of tile 1 to 1 bits at 5000 ps, sums up to 0
    // CHECK-NEXT:     add columns 0 to 2 on unit 0 at 117000 ps
    // CHECK-NEXT:     add columns 3 to 3 on unit 1 at 117000 ps
    // CHECK-NEXT:   } :
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 3 in array 0 at row 0, column 0
      tile 1: rows 2 to 3, columns 0 to 3 in array 1 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}

// -----

// Digital operators run when operands and units are there: 8 elements are a vector for each of two units, a product of
// activations goes to the attention unit (16 products, 2 a nanosecond), what only names or reshapes takes no time.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 2, add_ns = 2.0, vector_width = 4, compare_ns = 1.0, function_ns = 4.0, normalize_ns = 10.0, attention_units = 1, attention_macs_per_ns = 2.0>} {
  func.func @main(%x: tensor<2x4xf32>, %z: tensor<4xf32>) -> (tensor<2x2xf32>, tensor<8xf32>, tensor<4xf32>) {
    // CHECK:      %s, %r, %a = array.kernel 0 start_ps 0 duration_ps 23000 {
    // CHECK-NEXT:   %shape = cim.constant
    // CHECK-NEXT:   cim.digital "Erf"(%x)
    // CHECK-NEXT:   cim.digital "Transpose"
    // CHECK-NEXT:   cim.digital "MatMul"
    // CHECK-NEXT:   cim.digital "Softmax"
    // CHECK-NEXT:   cim.digital "Reshape"
    // CHECK-NEXT:   cim.digital "Add"
    // CHECK-NEXT:   array.yield
    // CHECK-NEXT: } work {
    // CHECK-NEXT:   operator 0 on unit 0 at 0 ps for 4000 ps  // Erf
    // CHECK-NEXT:   operator 0 on unit 1 at 0 ps for 4000 ps  // Erf
    // CHECK-NEXT:   operator 1 on unit 0 at 4000 ps for 1000 ps  // Transpose
    // CHECK-NEXT:   operator 1 on unit 1 at 4000 ps for 1000 ps  // Transpose
    // CHECK-NEXT:   operator 2 on unit 2 at 5000 ps for 8000 ps  // MatMul
    // CHECK-NEXT:   operator 3 on unit 0 at 13000 ps for 10000 ps  // Softmax
    // CHECK-NEXT:   operator 5 on unit 0 at 5000 ps for 2000 ps  // Add
    // CHECK-NEXT: }
    %shape = cim.constant dense<8> : tensor<1xi64>
    %e = cim.digital "Erf"(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
    %t = cim.digital "Transpose"(%e) with {perm = array<i64: 1, 0>} : (tensor<2x4xf32>) -> tensor<4x2xf32>
    %p = cim.digital "MatMul"(%e, %t) : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
    %s = cim.digital "Softmax"(%p) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %r = cim.digital "Reshape"(%e, %shape) : (tensor<2x4xf32>, tensor<1xi64>) -> tensor<8xf32>
    %a = cim.digital "Add"(%z, %z) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    func.return %s, %r, %a : tensor<2x2xf32>, tensor<8xf32>, tensor<4xf32>
  }
}

// -----

// Bodies have kernels and stages of their own; what one yields and what an operand is, constants too, comes from a kernel.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<1> : tensor<2x2xi8>
  func.func @main(%x: tensor<2xui8>) -> tensor<2xui8> {
    %none = cim.none : none
    // CHECK:      %trips_1, %yes_1 = array.kernel 0 start_ps 0 duration_ps 0 {
    %trips = cim.constant dense<3> : tensor<i64>
    %yes = cim.constant dense<true> : tensor<i1>
    // CHECK:      %y = array.control "Loop"(%trips_1, %none, %x) bodies ["body"] start_ps 0 duration_ps 138000 {
    // CHECK-NEXT: ^{{.*}}(%i: tensor<i64>, %go: tensor<i1>, %s: tensor<2xui8>):
    // CHECK-NEXT:   %a = array.stage 0 start_ps 0 duration_ps 138000 {
    // CHECK:        %t = array.kernel 1 start_ps 138000 duration_ps 0 {
    // CHECK:        array.yield %yes_1, %t : tensor<i1>, tensor<2xui8>
    %y = cim.digital "Loop"(%trips, %none, %x) bodies ["body"] {
    ^bb0(%i: tensor<i64>, %go: tensor<i1>, %s: tensor<2xui8>):
      %a = array.multiply %s by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<2xui8> -> tensor<2xi32>
      %t = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<2xi32>) -> tensor<2xui8>
      cim.yield %yes, %t : tensor<i1>, tensor<2xui8>
    } : (tensor<i64>, none, tensor<2xui8>) -> tensor<2xui8>
    func.return %y : tensor<2xui8>
  }
}

// -----

// Everything begins when what it reads is there: %a leaves, is worked on and goes on to the next stage while @w converts
// for %b, the stages overlap, and the kernels too.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, vector_width = 4, compare_ns = 1.0, function_ns = 4.0, normalize_ns = 10.0, attention_units = 1, attention_macs_per_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x4xi8>
  cim.weight @v = dense<-128> : tensor<4x2xi8>
  func.func @main(%x: tensor<?x2xui8>, %z: tensor<?x2xui8>) -> (tensor<?x2xi32>, tensor<?x4xi32>) {
    // CHECK:      %a, %b = array.stage 0 start_ps 0 duration_ps 234000 {
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 5000 ps, sums up to 0
    // CHECK:          convert rows 0 to 1 of tile 0 to 1 bits at 117000 ps, sums up to 0
    // CHECK:        array.transfer %a_1 "out of arrays" start_ps 117000 duration_ps 5000
    // CHECK-NEXT:   array.transfer %b_1 "out of arrays" start_ps 229000 duration_ps 5000
    // CHECK:      %n, %q = array.kernel 0 start_ps 122000 duration_ps 113000 {
    // CHECK:        operator 0 on unit 0 at 112000 ps for 1000 ps  // Neg
    // CHECK-NEXT:   operator 1 on unit 0 at 0 ps for 2000 ps  // Cast
    // CHECK:      %y = array.stage 1 start_ps 124000 duration_ps 106000 {
    %a = array.multiply %x by @w { tile 0: rows 0 to 1, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x4xi32>
    %b = array.multiply %z by @w { tile 0: rows 0 to 1, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x4xi32>
    %n = cim.digital "Neg"(%b) : (tensor<?x4xi32>) -> tensor<?x4xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x4xi32>) -> tensor<?x4xui8>
    %y = array.multiply %q by @v { tile 0: rows 0 to 3, columns 0 to 1 in array 1 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x2xi32>
    func.return %y, %n : tensor<?x2xi32>, tensor<?x4xi32>
  }
}

// -----

// One link moves one vector at a time, 2 bits a nanosecond: 16 of an input of 2 elements, 64 of 2 sums; what has the longer
// way to the end first. A permutation needs it, too.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, links = 1, link_bits_per_ns = 2.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2xi8>
  cim.weight @swap = dense<[1, 0]> : tensor<2xi64>
  func.func @main(%x: tensor<?x2xui8>, %z: tensor<?x2xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    // CHECK:      %y, %q = array.stage 0 start_ps 0 duration_ps 242000 {
    // CHECK-NEXT:   array.transfer %x "into arrays" start_ps 13000 duration_ps 13000 on link 0 :
    // CHECK-NEXT:   array.transfer %z "into arrays" start_ps 0 duration_ps 13000 on link 0 :
    // CHECK:        array.transfer %y_1 "out of arrays" start_ps 205000 duration_ps 37000 on link 0 :
    // CHECK-NEXT:   array.transfer %q_1 "out of arrays" start_ps 109000 duration_ps 37000 on link 0 :
    // CHECK:      array.permute %q, @swap start_ps 146000 duration_ps 37000 on link 0 :
    %y = array.multiply %x by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %q = array.multiply %z by @w { tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0 } : tensor<?x2xui8> -> tensor<?x2xi32>
    %p = cim.permute %q, @swap : tensor<?x2xi32> -> tensor<?x2xi32>
    func.return %y, %p : tensor<?x2xi32>, tensor<?x2xi32>
  }
}
