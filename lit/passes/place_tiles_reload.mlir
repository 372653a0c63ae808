// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=linear reload=true}' --verify-each | filecheck %s
// RUN: cim-opt %s --split-input-file -p 'place-tiles{mapping=linear reload=true},place-tiles{mapping=linear reload=true}' --verify-each | filecheck %s

// A weight that alone needs more crossbars than the chip has is cut between columns, and its parts are weights; the first fills a load.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 3, program_row_ns = 20.0>} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  cim.weight @v = dense<2> : tensor<5x6xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x5xui8>) -> (tensor<?x4xi32>, tensor<?x6xi32>) {
    // CHECK: %a = array.multiply %x by @w load 0 {
    %a = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %0 = array.multiply %z of 4 bits by @v.part in 8 bits "offset" load 0 {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3 in array 1 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 4 to 4, columns 0 to 3 in array 2 at row 0, column 0
    // CHECK: %1 = array.multiply %z of 4 bits by @v.part.1 in 8 bits "offset" load 1 {
    // CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 1 in array 3 at row 0, column 0
    // CHECK-NEXT:        tile 1: rows 4 to 4, columns 0 to 1 in array 4 at row 0, column 0
    // CHECK: %b = cim.digital "Concat"(%0, %1) with {axis = -1 : i64}
    %b = array.multiply %z of 4 bits by @v in 8 bits "offset" {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
      tile 2: rows 4 to 4, columns 0 to 3
      tile 3: rows 4 to 4, columns 4 to 5
    } : tensor<?x5xui8> -> tensor<?x6xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x6xi32>
  }
}

// -----

// Where not even one column of tiles fits, also between rows: the products of these parts are added.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1, program_row_ns = 20.0>} {
  cim.weight @v = dense<2> : tensor<5x6xi8>
  func.func @main(%z: tensor<?x5xui8>) -> tensor<?x6xi32> {
    // CHECK: [[FIRST:%.*]] = cim.digital "Slice"(%z,
    // CHECK: [[A:%.*]] = array.multiply [[FIRST]] by @v.part load 0 {
    // CHECK: [[LAST:%.*]] = cim.digital "Slice"(%z,
    // CHECK: [[B:%.*]] = array.multiply [[LAST]] by @v.part.1 load 1 {
    // CHECK: [[LEFT:%.*]] = cim.digital "Add"([[A]], [[B]])
    // CHECK: [[C:%.*]] = array.multiply [[FIRST]] by @v.part.2 load 2 {
    // CHECK: [[D:%.*]] = array.multiply [[LAST]] by @v.part.3 load 3 {
    // CHECK: [[RIGHT:%.*]] = cim.digital "Add"([[C]], [[D]])
    // CHECK: %b = cim.digital "Concat"([[LEFT]], [[RIGHT]])
    %b = array.multiply %z by @v {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
      tile 2: rows 4 to 4, columns 0 to 3
      tile 3: rows 4 to 4, columns 4 to 5
    } : tensor<?x5xui8> -> tensor<?x6xi32>
    func.return %b : tensor<?x6xi32>
  }
}

// -----

// Of blocks down the diagonal, a part takes the elements that it needs; equal ones are one weight, which here needs no load any more. What was the order of columns is a permutation.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1, program_row_ns = 20.0>} {
  cim.weight @order = dense<[2, 5, 0, 1, 3, 4]> : tensor<6xi64>
  cim.weight @v = dense<2> : tensor<2x3x3xi8> structure #cim.block_diagonal<2 blocks of 3x3, "monarch", columns = @order>
  func.func @main(%z: tensor<?x6xui8>) -> tensor<?x6xi32> {
    // CHECK: cim.weight @v.part = dense<2> : tensor<3x3xi8> structure #cim.blocks<"monarch", [rows 0 to 2, columns 0 to 2]>
    // CHECK-NEXT: cim.weight @v.order = dense<[2, 3, 0, 4, 5, 1]> : tensor<6xi64>
    // CHECK: array.multiply %3 by @v.part {
    // CHECK: array.multiply %8 by @v.part {
    // CHECK: %b = cim.permute %10, @v.order
    %b = array.multiply %z by @v {
      tile 0: rows 0 to 2, columns 0 to 2
      tile 1: rows 3 to 5, columns 3 to 5
    } : tensor<?x6xui8> -> tensor<?x6xi32>
    func.return %b : tensor<?x6xi32>
  }
}

// -----

// What bodies of control flow multiply by is in one load, with what comes before them if there is room.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 2, program_row_ns = 20.0>} {
  cim.weight @first = dense<1> : tensor<4x4xi8>
  cim.weight @then = dense<2> : tensor<4x4xi8>
  cim.weight @else = dense<3> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>, %c: tensor<i1>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
    // CHECK: array.multiply %x by @first load 0 {
    %a = array.multiply %x by @first { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %b = cim.digital "If"(%c) bodies ["then_branch", "else_branch"] {
      // CHECK: array.multiply %x by @then load 1 {
      %t = array.multiply %x by @then { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
      cim.yield %t : tensor<?x4xi32>
    } {
      // CHECK: array.multiply %x by @else load 1 {
      %e = array.multiply %x by @else { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
      cim.yield %e : tensor<?x4xi32>
    } : (tensor<i1>) -> tensor<?x4xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
  }
}
