// RUN: not cim-opt %s -p 'place-tiles{reload=true}' 2>&1 | filecheck %s

// CHECK: cimc: error: node '/if': what its bodies multiply by comes into the chip before it begins, and needs at least 8 crossbars, chip 'tiny-4' has 4 in 1: raise its `arrays`
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", arrays = 1, program_row_ns = 20.0>} {
  cim.weight @then = dense<2> : tensor<4x4xi8>
  cim.weight @else = dense<3> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>, %c: tensor<i1>) -> tensor<?x4xi32> {
    %b = cim.digital "If"(%c) bodies ["then_branch", "else_branch"] {
      %t = array.multiply %x by @then { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
      cim.yield %t : tensor<?x4xi32>
    } {
      %e = array.multiply %x by @else { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
      cim.yield %e : tensor<?x4xi32>
    } : (tensor<i1>) -> tensor<?x4xi32> loc("/if")
    func.return %b : tensor<?x4xi32>
  }
}
