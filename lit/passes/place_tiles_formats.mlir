// RUN: cim-opt %s -p place-tiles --split-input-file | filecheck %s
// RUN: cim-opt %s -p 'place-tiles,place-tiles{mapping=linear},place-tiles' --split-input-file | filecheck %s

// Each format has arrays of its own, the most bits first. A weight without a format has 8 bits. Equal tiles share a
// place if they have one format; with centred offsets they are not the same. There are 14 crossbars: an array of 8 bits
// has 4 of 2-bit cells, of 4 bits 2, of 4 bits in differential cells 4.
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 4>} {
  cim.weight @a = dense<[[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 3, 4]]> : tensor<4x4xi8>
  cim.weight @b = dense<[[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 3, 4]]> : tensor<4x4xi8>
  cim.weight @c = dense<[[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 3, 4]]> : tensor<4x4xi8>
  cim.weight @d = dense<[[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 3, 4]]> : tensor<4x4xi8>
  cim.weight @e = dense<[[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 3, 4]]> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>) {
    // CHECK: %a = array.multiply %x by @a in 4 bits "offset" {
    // CHECK-NEXT: tile 0: rows 0 to 3, columns 0 to 3 in array 1 at row 0, column 0
    %a = array.multiply %x by @a in 4 bits "offset" { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %b = array.multiply %x by @b {
    // CHECK-NEXT: tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    %b = array.multiply %x by @b { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %c = array.multiply %x by @c in 4 bits "differential" {
    // CHECK-NEXT: tile 0: rows 0 to 3, columns 0 to 3 in array 3 at row 0, column 0
    %c = array.multiply %x by @c in 4 bits "differential" { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %d = array.multiply %x by @d in 4 bits "offset" {
    // CHECK-NEXT: tile 0: rows 0 to 3, columns 0 to 3 in array 1 at row 0, column 0
    %d = array.multiply %x by @d in 4 bits "offset" { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    // CHECK: %e = array.multiply %x by @e in 4 bits "offset" centred {
    // CHECK-NEXT: tile 0: rows 0 to 3, columns 0 to 3 in array 2 at row 0, column 0
    %e = array.multiply %x by @e in 4 bits "offset" centred { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a, %b, %c, %d, %e : tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>
  }
}
