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
    // CHECK-NEXT:   array.multiply %x_1, @q
    // CHECK-NEXT:   array.multiply %x_1, @k
    // CHECK-NEXT:   array.multiply %x_1, @v
    // CHECK-NEXT:   array.transfer %q_1 "out of arrays" start_ps 133000 duration_ps 5000
    // CHECK-NEXT:   array.transfer %k_1 "out of arrays" start_ps 133000 duration_ps 5000
    // CHECK-NEXT:   array.transfer %v_1 "out of arrays" start_ps 133000 duration_ps 5000
    // CHECK-NEXT:   array.yield
    // CHECK-NEXT: }
    // CHECK-NEXT: %sums, %bytes = array.kernel 0 start_ps 138000 duration_ps 0 {
    // CHECK-NEXT:   %sum = cim.digital "Add"(%q, %k)
    // CHECK-NEXT:   %sums_1 = cim.digital "Add"(%sum, %v)
    // CHECK-NEXT:   %bytes_1 = cim.digital "Cast"(%sums_1)
    // CHECK-NEXT:   array.yield %sums_1, %bytes_1
    // CHECK-NEXT: }
    // CHECK-NEXT: %y = array.stage 1 start_ps 138000 duration_ps 138000 {
    %q = array.multiply %x, @q tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
    %k = array.multiply %x, @k tiles <[[0, 0, 2, 2]]> at <[[1, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
    %sum = cim.digital "Add"(%q, %k) : (tensor<?x2xi32>, tensor<?x2xi32>) -> tensor<?x2xi32>
    %v = array.multiply %x, @v tiles <[[0, 0, 2, 2]]> at <[[2, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
    %sums = cim.digital "Add"(%sum, %v) : (tensor<?x2xi32>, tensor<?x2xi32>) -> tensor<?x2xi32>
    %bytes = cim.digital "Cast"(%sums) with {to = 2 : i64} : (tensor<?x2xi32>) -> tensor<?x2xui8>
    %y = array.multiply %bytes, @o tiles <[[0, 0, 2, 2]]> at <[[3, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
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
    // CHECK-NEXT:   array.multiply %x_1, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> groups <[[0, 0, 4, 4, 0, 12, 5000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
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
    // CHECK-NEXT:   groups <[[0, 0, 2, 3, 0, 6, 5000], [0, 2, 2, 3, 0, 6, 181000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
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
    // CHECK-NEXT:   array.multiply %x_1, @w {{.*}} groups <[[0, 0, 2, 1, 0, 0, 5000], [1, 0, 2, 1, 0, 0, 5000]]> :
    // CHECK-NEXT:   array.multiply %x_1, @v {{.*}} groups <[[0, 0, 2, 1, 0, 0, 101000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 2], [0, 2, 2, 2]]> at <[[0, 0, 0], [1, 0, 0]]> : tensor<?x2xui8> -> tensor<?x4xi32>
    %z = array.multiply %x, @v tiles <[[0, 0, 2, 1]]> at <[[1, 2, 0]]> : tensor<?x2xui8> -> tensor<?x1xi32>
    func.return %y, %z : tensor<?x4xi32>, tensor<?x1xi32>
  }
}

// -----

// On a diagonal no sum is spoilt by the other block: both are one activation, with one settling of the rows. A plane takes
// 10 ns and 4 columns of 1 ns.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2x2xi8> structure #cim.block_diagonal<2, 2x2, "block_diagonal">
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 122000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   groups <[[0, 0, 2, 1, 0, 0, 5000], [1, 0, 2, 1, 0, 0, 5000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 2], [2, 2, 2, 2]]> at <[[0, 0, 0], [0, 2, 2]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}

// -----

// The same two blocks, but their rows have cells in each other's columns: these of @other, though it runs later.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<-128> : tensor<2x2x2xi8> structure #cim.block_diagonal<2, 2x2, "block_diagonal">
  cim.weight @other = dense<-128> : tensor<4x1xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x1xi32> {
    // CHECK:      %y = array.stage 0 start_ps 0 duration_ps 202000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   groups <[[0, 0, 2, 1, 0, 0, 5000], [1, 0, 2, 1, 0, 0, 101000]]> :
    // CHECK:      %z = array.stage 1 start_ps 202000 duration_ps 188000 {
    // CHECK-NEXT:   array.transfer %{{[a-z]+}} "into arrays" start_ps 0 duration_ps 5000
    // CHECK-NEXT:   groups <[[0, 0, 2, 1, 0, 0, 5000], [1, 0, 2, 1, 0, 0, 93000]]> adds <[[0, 1, 0, 181000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 2], [2, 2, 2, 2]]> at <[[0, 0, 0], [0, 2, 2]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    %q = cim.digital "Cast"(%y) with {to = 2 : i64} : (tensor<?x4xi32>) -> tensor<?x4xui8>
    %z = array.multiply %q, @other tiles <[[0, 0, 2, 1], [2, 0, 2, 1]]> at <[[0, 2, 0], [0, 0, 2]]> : tensor<?x4xui8> -> tensor<?x1xi32>
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
    // CHECK-NEXT:   array.multiply %x_1, @q {{.*}} groups <[[0, 0, 2, 1, 0, 0, 5000]]> :
    // CHECK-NEXT:   array.multiply %x_1, @k {{.*}} groups <[[0, 0, 2, 1, 0, 0, 5000]]> :
    // CHECK-NEXT:   array.multiply %z_1, @v {{.*}} groups <[[0, 0, 2, 1, 0, 0, 101000]]> :
    %a = array.multiply %x, @q tiles <[[0, 0, 2, 1]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x1xi32>
    %b = array.multiply %x, @k tiles <[[0, 0, 2, 1]]> at <[[0, 0, 1]]> : tensor<?x2xui8> -> tensor<?x1xi32>
    %c = array.multiply %z, @v tiles <[[0, 0, 2, 1]]> at <[[0, 0, 2]]> : tensor<?x2xui8> -> tensor<?x1xi32>
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
    // CHECK-NEXT:   groups <[[0, 0, 4, 1, 0, 0, 5000], [1, 0, 4, 1, 0, 0, 5000], [2, 0, 1, 1, 0, 0, 5000]]> adds <[[0, 1, 0, 93000], [0, 1, 0, 95000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 1], [4, 0, 4, 1], [8, 0, 1, 1]]> at <[[0, 0, 0], [1, 0, 0], [2, 0, 0]]> : tensor<?x9xui8> -> tensor<?x1xi32>
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
    // CHECK-NEXT: array.stage 0 start_ps 10000 duration_ps
    %a = cim.permute %x, @swap : tensor<?x2xui8> -> tensor<?x2xui8>
    %b = cim.permute %z, @swap : tensor<?x2xui8> -> tensor<?x2xui8>
    %c = cim.permute %b, @swap : tensor<?x2xui8> -> tensor<?x2xui8>
    %y = array.multiply %a, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
    %q = array.multiply %c, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
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
    %y = array.multiply %a, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
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
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
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
    // CHECK-NEXT:   array.multiply %x_1, @w {{.*}} groups <[[0, 0, 2, 1, 0, 0, 5000]]> :
    // CHECK-NEXT:   array.multiply %z_1, @w {{.*}} groups <[[0, 0, 2, 1, 0, 0, 101000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
    %q = array.multiply %z, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xui8> -> tensor<?x2xi32>
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
    // CHECK-NEXT:   array.multiply %x_1, @w {{.*}} groups <[[0, 0, 2, 1, 0, 0, 5000]]> :
    // CHECK-NEXT:   array.multiply %z_1, @v {{.*}} groups <[[0, 0, 2, 1, 0, 0, 5000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 2]]> at <[[0, 0, 0]]> : tensor<?x2xi8> -> tensor<?x2xi32>
    %q = array.multiply %z, @v tiles <[[0, 0, 2, 2]]> at <[[0, 2, 2]]> : tensor<?x2xui8> -> tensor<?x2xi32>
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
    // CHECK-NEXT:   groups <[[0, 0, 2, 1, 0, 0, 5000], [1, 0, 2, 1, 0, 0, 5000]]> adds <[[0, 3, 0, 117000], [3, 1, 1, 117000]]> :
    %y = array.multiply %x, @w tiles <[[0, 0, 2, 4], [2, 0, 2, 4]]> at <[[0, 0, 0], [1, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}

// -----

// Digital operators run when operands and units are there: 8 elements are a vector for each of two units, a product of
// activations goes to the attention unit (16 products, 2 a nanosecond), what only names or reshapes takes no time.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 2, add_ns = 2.0, vector_width = 4, compare_ns = 1.0, function_ns = 4.0, normalize_ns = 10.0, attention_units = 1, attention_macs_per_ns = 2.0>} {
  func.func @main(%x: tensor<2x4xf32>, %z: tensor<4xf32>) -> (tensor<2x2xf32>, tensor<8xf32>, tensor<4xf32>) {
    // CHECK:      %s, %r, %a = array.kernel 0 start_ps 0 duration_ps 23000 work <[
    // CHECK-SAME:   [0, 0, 0, 4000], [0, 1, 0, 4000], [1, 0, 4000, 1000], [1, 1, 4000, 1000],
    // CHECK-SAME:   [2, 2, 5000, 8000], [3, 0, 13000, 10000], [5, 1, 5000, 2000]]> {
    // CHECK-NEXT:   %shape = cim.constant
    // CHECK-NEXT:   cim.digital "Erf"(%x)
    // CHECK-NEXT:   cim.digital "Transpose"
    // CHECK-NEXT:   cim.digital "MatMul"
    // CHECK-NEXT:   cim.digital "Softmax"
    // CHECK-NEXT:   cim.digital "Reshape"
    // CHECK-NEXT:   cim.digital "Add"
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
