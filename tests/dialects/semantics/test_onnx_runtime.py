"""What ONNX Runtime cannot load, run or name is one kind of error."""

import numpy as np
import pytest
from onnx import ModelProto, parser

from dialects.semantics.onnx_runtime import GraphError, run_graph

TEXT = '<ir_version: 8, opset_import: ["" : 17]> g (float[n] abc) => (float[n] def) { def = Neg(abc) }'


@pytest.mark.parametrize("name", [b"abc", b"def"])
def test_inputs_and_outputs_with_names_that_are_no_utf8(name: bytes) -> None:
    content = parser.parse_model(TEXT).SerializeToString().replace(name, b"\xffa\xfe")
    with pytest.raises(GraphError, match=r"^an input or output has a name that is no UTF-8$"):
        run_graph(ModelProto.FromString(content), {"abc": np.ones(2, np.float32)})
