// RUN: cim-opt %s -p 'schedule-arrays{lossy=3}' --verify-each | filecheck %s
// RUN: not cim-opt %s -p 'schedule-arrays{lossy=9}' 2>&1 | filecheck %s --check-prefix WRONG

// All rows at once, to 3 bits, though a column may sum up to 12: the machine clips what is above 7.
// CHECK: array.multiply %x_1 by @w {
// CHECK-NEXT:        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
// CHECK-NEXT:        convert rows 0 to 3 of tile 0 to 3 bits at 5000 ps, sums up to 12
// CHECK-NEXT:      }
// Where 2 bits are enough, they are not more.
// CHECK: array.multiply %z_1 by @v {
// CHECK-NEXT:        tile 0: rows 0 to 0, columns 0 to 3 in array 1 at row 0, column 0
// CHECK-NEXT:        convert rows 0 to 0 of tile 0 to 2 bits at 5000 ps, sums up to 3
// CHECK-NEXT:      }
// WRONG: cimc: error: lossy = 9 bits: expected 1 to 8, the bits of chip 'tiny-4'
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  cim.weight @v = dense<127> : tensor<1x4xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x1xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %u = array.multiply %z by @v { tile 0: rows 0 to 0, columns 0 to 3 in array 1 at row 0, column 0 } : tensor<?x1xui8> -> tensor<?x4xi32>
    func.return %y, %u : tensor<?x4xi32>, tensor<?x4xi32>
  }
}
