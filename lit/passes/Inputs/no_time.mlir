builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<127> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
    %y = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %y : tensor<?x4xi32>
  }
}
