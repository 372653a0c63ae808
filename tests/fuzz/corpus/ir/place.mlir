builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, adc_model = "table", adc_table_pj = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], adc_table_um2 = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0], dac_pj = 0.5, cell_pj = 0.25, shift_add_pj = 0.125, transfer_bit_pj = 0.5, add_pj = 2.0, cell_um2 = 1.0, dac_um2 = 2.0, shift_add_um2 = 5.0, digital_unit_um2 = 1000.0, attention_unit_um2 = 2000.0, array_leakage_uw = 100.0, adc_leakage_uw = 10.0, digital_unit_leakage_uw = 1000.0, attention_unit_leakage_uw = 2000.0, vector_width = 4, compare_ns = 1.0, function_ns = 4.0, normalize_ns = 10.0, vector_pj = 20.0, attention_units = 1, attention_macs_per_ns = 2.0, mac_pj = 3.0>, cim.opsets = ["ai.onnx:18"], cim.source = ["n.onnx", "44dec4357638a00cf6199bee834c4683"], cim.permutations_before_folding = 0 : i64, cim.dense_weights = 24 : i64} {
  cim.weight @q.scale = dense<1.000000e-01> : tensor<6xf32>
  cim.weight @q.int8 = dense<[[-80, -27, 93, -64, 111, 95], [8, 28, -28, -103, 24, 66], [-78, 48, -73, -31, -103, 116], [125, -12, -4, -91, -56, 126]]> : tensor<4x6xi8> as #cim.affine<@q.scale>
  func.func @main(%x: tensor<?x4xf32> {cim.name = "x", cim.dims = ["n", ""]}) -> (tensor<?x6xf32> {cim.name = "y", cim.dims = ["n", ""]}) {
    %0 = cim.constant dense<0.000000e+00> : tensor<f32>
    %1 = cim.constant dense<2.550000e+02> : tensor<f32>
    %2 = cim.constant dense<-1> : tensor<1xi64>
    %3 = cim.digital "ReduceMin"(%x, %2) with {keepdims = 1 : i64} on <[[0, 0, 2000]]> : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
    %4 = cim.digital "Min"(%3, %0) on <[[0, 2000, 1000]]> : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %5 = cim.constant dense<-1> : tensor<1xi64>
    %6 = cim.digital "ReduceMax"(%x, %5) with {keepdims = 1 : i64} on <[[0, 3000, 2000]]> : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
    %7 = cim.digital "Max"(%6, %0) on <[[0, 5000, 1000]]> : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %8 = cim.digital "Sub"(%7, %4) on <[[0, 6000, 2000]]> : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    %9 = cim.digital "Div"(%8, %1) on <[[0, 8000, 2000]]> : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %10 = cim.constant dense<1.17549435e-38> : tensor<f32>
    %scale = cim.digital "Max"(%9, %10) on <[[0, 10000, 1000]]> : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %11 = cim.digital "Neg"(%4) on <[[0, 11000, 1000]]> : (tensor<?x1xf32>) -> tensor<?x1xf32>
    %12 = cim.digital "Div"(%11, %scale) on <[[0, 12000, 2000]]> : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    %13 = cim.digital "Round"(%12) on <[[0, 14000, 2000]]> : (tensor<?x1xf32>) -> tensor<?x1xf32>
    %14 = cim.digital "Clip"(%13, %0, %1) on <[[0, 16000, 1000]]> : (tensor<?x1xf32>, tensor<f32>, tensor<f32>) -> tensor<?x1xf32>
    %15 = cim.digital "Div"(%x, %scale) on <[[0, 17000, 2000]]> : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %16 = cim.digital "Round"(%15) on <[[0, 19000, 2000]]> : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %17 = cim.digital "Add"(%16, %14) on <[[0, 21000, 2000]]> : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %18 = cim.digital "Clip"(%17, %0, %1) on <[[0, 23000, 1000]]> : (tensor<?x4xf32>, tensor<f32>, tensor<f32>) -> tensor<?x4xf32>
    %q = cim.digital "Cast"(%18) with {to = 2 : i64} on <[[0, 24000, 2000]]> : (tensor<?x4xf32>) -> tensor<?x4xui8>
    %zero = cim.digital "Cast"(%14) with {to = 6 : i64} on <[[0, 26000, 2000]]> : (tensor<?x1xf32>) -> tensor<?x1xi32>
    %19 = cim.constant dense<-1> : tensor<1xi64>
    %20 = cim.digital "ReduceSum"(%15, %19) with {keepdims = 1 : i64} on <[[0, 28000, 2000]]> : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
    %21 = cim.constant dense<0.000000e+00> : tensor<f32>
    %22 = cim.digital "Mul"(%20, %21) on <[[0, 30000, 2000]]> : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %marked = cim.digital "Add"(%22, %scale) on <[[0, 32000, 2000]]> : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    %23 = cim.read @q.scale : tensor<6xf32>
    %24 = cim.constant dense<[-25, 37, -12, -289, -24, 403]> : tensor<6xi32>
    %25 = cim.digital "Mul"(%24, %zero) on <[[0, 34000, 4000]]> : (tensor<6xi32>, tensor<?x1xi32>) -> tensor<?x6xi32>
    %26 = cim.digital "Mul"(%marked, %23) on <[[0, 38000, 4000]]> : (tensor<?x1xf32>, tensor<6xf32>) -> tensor<?x6xf32>
    %acc = array.stage 0 start_ps 42000 duration_ps 218000 {
      %acc_1 = array.multiply %q by @q.int8 {
        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
        tile 1: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 42949672960
        convert rows 0 to 3 of tile 0 to 4 bits at 5000 ps, sums up to 9
        convert rows 0 to 3 of tile 1 to 4 bits at 5000 ps, sums up to 12
      } : tensor<?x4xui8> -> tensor<?x6xi32>
      array.yield %acc_1 : tensor<?x6xi32>
    } : tensor<?x6xi32>
    %27 = cim.digital "Sub"(%acc, %25) on <[[0, 260000, 4000]]> : (tensor<?x6xi32>, tensor<?x6xi32>) -> tensor<?x6xi32>
    %28 = cim.digital "Cast"(%27) with {to = 1 : i64} on <[[0, 264000, 4000]]> : (tensor<?x6xi32>) -> tensor<?x6xf32>
    %h = cim.digital "Mul"(%28, %26) on <[[0, 268000, 4000]]> : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
    %k, %l = cim.digital "Split"(%h) with {axis = -1 : i64, num_outputs = 2 : i64} on <[[0, 272000, 2000]]> : (tensor<?x6xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>)
    %j = cim.digital "Concat"(%l, %k) with {axis = -1 : i64} on <[[0, 274000, 2000]]> : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x6xf32>
    %b = cim.constant dense<1.000000e+00> : tensor<6xf32>
    %y = cim.digital "Add"(%j, %b) on <[[0, 276000, 4000]]> : (tensor<?x6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
    func.return %y : tensor<?x6xf32>
  }
}
