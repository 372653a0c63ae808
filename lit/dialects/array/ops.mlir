// RUN: cim-opt %s --split-input-file | cim-opt --split-input-file | filecheck %s
// RUN: cim-opt %s --split-input-file --print-op-generic | cim-opt --split-input-file | filecheck %s

// Each pass adds one table: tiles, places, row groups.
cim.weight @w = dense<1> : tensor<6x4xi8>
func.func @main(%x: tensor<?x6xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  // CHECK: %tiled = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> : tensor<?x6xui8> -> tensor<?x4xi32>
  %tiled = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> : tensor<?x6xui8> -> tensor<?x4xi32>
  // CHECK: %placed = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> at <[[0, 0, 0], [1, 2, 0]]> : tensor<?x6xui8> -> tensor<?x4xi32>
  %placed = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> at <[[0, 0, 0], [1, 2, 0]]> : tensor<?x6xui8> -> tensor<?x4xi32>
  func.return %tiled, %placed : tensor<?x4xi32>, tensor<?x4xi32>
}

// -----

// Multiplications of one stage, of unsigned and of signed inputs.
cim.weight @w = dense<1> : tensor<4x4xi8>
func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xi8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  // CHECK:      %a, %b = array.stage 7 start_ps 0 duration_ps 52000 {
  // CHECK-NEXT:   %left = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> groups <[[0, 0, 3, 4, 0, 9, 0], [0, 3, 1, 2, 0, 3, 1000]]> : tensor<?x4xui8> -> tensor<?x4xi32>
  // CHECK-NEXT:   %right = array.multiply %z, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> : tensor<?x4xi8> -> tensor<?x4xi32>
  // CHECK-NEXT:   array.yield %left, %right : tensor<?x4xi32>, tensor<?x4xi32>
  // CHECK-NEXT: } : tensor<?x4xi32>, tensor<?x4xi32>
  %a, %b = array.stage 7 start_ps 0 duration_ps 52000 {
    %left = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> groups <[[0, 0, 3, 4, 0, 9, 0], [0, 3, 1, 2, 0, 3, 1000]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    %right = array.multiply %z, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> : tensor<?x4xi8> -> tensor<?x4xi32>
    array.yield %left, %right : tensor<?x4xi32>, tensor<?x4xi32>
  } : tensor<?x4xi32>, tensor<?x4xi32>
  func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
}

// -----

// Additions of partial sums: of which columns, on which digital unit, when in the stage.
cim.weight @w = dense<1> : tensor<6x4xi8>
func.func @main(%x: tensor<?x6xui8>) -> tensor<?x4xi32> {
  // CHECK:      %y = array.stage 3 start_ps 90000 duration_ps 52000 {
  // CHECK-NEXT:   %sums = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> at <[[0, 0, 0], [1, 2, 0]]> groups <[[0, 0, 4, 4, 0, 12, 0], [1, 0, 2, 3, 0, 6, 0]]> adds <[[0, 3, 0, 40000], [3, 1, 1, 40000]]> : tensor<?x6xui8> -> tensor<?x4xi32>
  // CHECK-NEXT:   array.yield %sums : tensor<?x4xi32>
  // CHECK-NEXT: } : tensor<?x4xi32>
  %y = array.stage 3 start_ps 90000 duration_ps 52000 {
    %sums = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> at <[[0, 0, 0], [1, 2, 0]]> groups <[[0, 0, 4, 4, 0, 12, 0], [1, 0, 2, 3, 0, 6, 0]]> adds <[[0, 3, 0, 40000], [3, 1, 1, 40000]]> : tensor<?x6xui8> -> tensor<?x4xi32>
    array.yield %sums : tensor<?x4xi32>
  } : tensor<?x4xi32>
  func.return %y : tensor<?x4xi32>
}
