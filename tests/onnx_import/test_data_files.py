"""Files of external data are found wherever a network names one."""

from pathlib import Path

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from cimc.onnx_import.data_files import data_files


def external(name: str) -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(2, np.float32), name)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=f"{name}.bin")
    return tensor


def graph(nodes: list[NodeProto], name: str) -> GraphProto:
    return helper.make_graph(nodes, name, [], [], [external(name)])


def test_all_places(tmp_path: Path) -> None:
    sparse = helper.make_sparse_tensor(external("values"), external("indices"), [4])
    body = graph([helper.make_node("Constant", [], ["c"], value=external("constant"))], "body")
    other = helper.make_attribute("others", [graph([], "others")])
    nodes = [
        helper.make_node("If", ["x"], ["y"], then_branch=body),
        helper.make_node("Constant", [], ["s"], sparse_value=sparse),
        helper.make_node("Own", [], ["o"], domain="own", tensors=[external("list")]),
    ]
    nodes[2].attribute.append(other)
    inner = helper.make_node("Constant", [], ["z"], value=external("function"))
    function = helper.make_function("own", "F", [], ["z"], [inner], [helper.make_opsetid("", 17)])
    main = graph(nodes, "main")
    main.sparse_initializer.append(helper.make_sparse_tensor(external("v2"), external("i2"), [4]))
    model = helper.make_model(main, functions=[function])
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    names = ["body", "constant", "function", "i2", "indices", "list", "main", "others", "v2", "values"]
    assert data_files(tmp_path / "m.onnx") == [tmp_path / f"{name}.bin" for name in names]


def test_none(tmp_path: Path) -> None:
    model = helper.make_model(helper.make_graph([], "location", [], []))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert data_files(tmp_path / "m.onnx") == []
