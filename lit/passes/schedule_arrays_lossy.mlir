// RUN: cim-opt %s -p 'schedule-arrays{lossy=3}' --verify-each | filecheck %s
// RUN: not cim-opt %s -p 'schedule-arrays{lossy=9}' 2>&1 | filecheck %s --check-prefix WRONG

// All rows at once, to 3 bits, though a column may sum up to 12: the machine clips what is above 7.
// CHECK: array.multiply %x_1, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> groups <[[0, 0, 4, 3, 0, 12, 5000]]>
// Where 2 bits are enough, they are not more.
// CHECK: array.multiply %z_1, @v tiles <[[0, 0, 1, 4]]> at <[[1, 0, 0]]> groups <[[0, 0, 1, 2, 0, 3, 5000]]>
// WRONG: cimc: error: lossy = 9 bits: expected 1 to 8, the bits of chip 'tiny-4'
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  cim.weight @v = dense<127> : tensor<1x4xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x1xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> : tensor<?x4xui8> -> tensor<?x4xi32>
    %u = array.multiply %z, @v tiles <[[0, 0, 1, 4]]> at <[[1, 0, 0]]> : tensor<?x1xui8> -> tensor<?x4xi32>
    func.return %y, %u : tensor<?x4xi32>, tensor<?x4xi32>
  }
}
