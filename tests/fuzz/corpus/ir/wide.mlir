func.func @main(%x: tensor<4xi4294967296>) -> tensor<4xi4294967296> { func.return %x : tensor<4xi4294967296> }
