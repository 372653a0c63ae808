// RUN: cim-opt %s -p 'place-tiles' --verify-each | filecheck %s --check-prefixes FEW,BOTH
// RUN: cim-opt %s -p 'place-tiles{objective=latency}' --verify-each | filecheck %s --check-prefixes FAST,BOTH
// RUN: cim-opt %s -p 'place-tiles{mapping=linear}' --verify-each | filecheck %s --check-prefix OWN

// Tiles with equal cells lie in one place, those of other weights too; for latency, those of one stage lie apart. The
// mappings of the paper give every tile a place of its own.
// FEW: %a = array.multiply %x by @w {
// FEW-NEXT:        tile 0: rows 0 to 1, columns 0 to 3 in array 0 at row 0, column 0
// FEW-NEXT:        tile 1: rows 2 to 3, columns 4 to 7 in array 0 at row 0, column 0
// FAST: %a = array.multiply %x by @w {
// FAST-NEXT:        tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 0, column 0
// FAST:             tile 4: rows 2 to 3, columns 4 to 4 in array 1 at row 0, column 0
// FAST:           %b = array.multiply %q by @v {
// FAST-NEXT:        tile 0: rows 0 to 1, columns 0 to 0 in array 0 at row 0, column 0
// FEW: %b = array.multiply %q by @v {
// FEW-NEXT:        tile 0: rows 0 to 1, columns 0 to 3 in array 0 at row 0, column 0
// BOTH: func.return
// OWN: %a = array.multiply %x by @w {
// OWN-NEXT:        tile 0: rows 0 to 1, columns 0 to 3 in array 0 at row 0, column 0
// OWN-NEXT:        tile 1: rows 2 to 3, columns 4 to 7 in array 1 at row 0, column 0
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<[[[1, 2, 3, 4], [5, 6, 7, 8]], [[1, 2, 3, 4], [5, 6, 7, 8]]]> : tensor<2x2x4xi8> structure #cim.block_diagonal<2 blocks of 2x4, "repeated">
  cim.weight @v = dense<[[[1, 2, 3, 4], [5, 6, 7, 8]]]> : tensor<1x2x4xi8> structure #cim.block_diagonal<1 blocks of 2x4, "repeated">
  func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x8xi32>, tensor<?x4xi32>) {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 3
      tile 1: rows 2 to 3, columns 4 to 7
    } : tensor<?x4xui8> -> tensor<?x8xi32>
    %s = cim.constant dense<0> : tensor<1xi64>
    %e = cim.constant dense<2> : tensor<1xi64>
    %n = cim.constant dense<1> : tensor<1xi64>
    %p = cim.digital "Slice"(%a, %s, %e, %n) : (tensor<?x8xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xi32>
    %q = cim.digital "Cast"(%p) with {to = 2 : i64} : (tensor<?x2xi32>) -> tensor<?x2xui8>
    %b = array.multiply %q by @v {
      tile 0: rows 0 to 1, columns 0 to 3
    } : tensor<?x2xui8> -> tensor<?x4xi32>
    func.return %a, %b : tensor<?x8xi32>, tensor<?x4xi32>
  }
}
