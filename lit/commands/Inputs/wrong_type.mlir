func.func @main(%x: tensor<?x2xui8>) {
  %y = cim.matmul %x, @w : tensor<?x2xui8> -> tensor<?x2xf32>
  func.return
}
