"""Operators of operator sets 7 to 10 give the bits that ONNX Runtime gives for them, once they are lifted."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.onnx_import.reader import read
from dialects.errors import UserError

Array = NDArray[Any]
Write = Callable[..., Path]
Lifted = Callable[..., list[str]]
X = np.random.default_rng(0).standard_normal((2, 4, 5, 6)).astype(np.float32) * 3
ODD = X.copy()
ODD.flat[:3] = np.nan, np.inf, -np.inf
TIES = np.round(X)

NODES = {
    "Clip(x)": ODD,
    "Clip<min=-1.5>(x)": ODD,
    "Clip<max=0.5>(x)": ODD,
    "Pad<pads=[0,0,1,2,0,0,2,1]>(x)": X,
    "Pad<pads=[0,0,-1,1,0,0,2,-3],value=1.5>(x)": X,
    'Pad<pads=[0,0,1,2,0,0,2,1],mode="reflect">(x)': X,
    'Pad<pads=[0,0,1,2,0,0,2,1],mode="edge",value=3.0>(x)': X,
    "Slice<starts=[1],ends=[100]>(x)": X,
    "Slice<starts=[-2,1],ends=[2147483647,-1],axes=[3,1]>(x)": X,
    "Slice<starts=[3],ends=[1],axes=[2]>(x)": X,
    "TopK<k=2>(x)": TIES,
    "TopK<k=4,axis=1>(x)": TIES,
    "Dropout<ratio=0.4>(x)": X,
    "Upsample<scales=[1.0,1.0,2.0,3.0]>(x)": X,
    "Upsample<scales=[1.0,1.0,1.5,1.3]>(x)": X,
    "Upsample<scales=[1.0,1.0,1.5,1.3],mode=\"linear\">(x)": X,
    "Softmax<axis=1>(x)": X,
    "LogSoftmax(x)": X,
    "Hardmax(x)": TIES,
    "ReduceSum<axes=[1,3],keepdims=0>(x)": X,
    "ReduceLogSumExp<axes=[2]>(x)": X,
    "ArgMax<axis=2>(x)": TIES,
    "Squeeze(x)": X[:1, :, :1],
    "Unsqueeze<axes=[0,3]>(x)": X,
    "Split<axis=1,split=[1,3]>(x)": X,
    "Cast<to=6>(x)": X,
    "DepthToSpace<blocksize=2>(x)": X,
    "MaxPool<kernel_shape=[3,2],strides=[2,1],auto_pad=\"SAME_LOWER\">(x)": X,
    "AveragePool<kernel_shape=[3,2],pads=[1,1,2,1],count_include_pad=1>(x)": X,
    "Flatten<axis=2>(x)": X,
    "MeanVarianceNormalization<across_channels=1>(x)": X,
    "MeanVarianceNormalization(x)": X,
    "Affine<alpha=1.3,beta=0.7>(x)": X,
    "Scale<scale=1.3>(x)": X,
    "ThresholdedRelu<alpha=0.5>(x)": X,
    "ImageScaler<scale=1.5,bias=[1.0,2.5,0.3,0.0]>(x)": X,
    "Crop<border=[0,1,2,1]>(x)": X,
    "Crop<border=[1,1,0,0],scale=[2,3]>(x)": X,
}  # fmt: skip
"""One-node networks of operator sets 7 and 8."""
LATER = {
    "Upsample(x, up)": 9,
    'Upsample<mode="linear">(x, up)': 9,
    "Scatter<axis=2>(x, places, updates)": 9,
    "BatchNormalization(x, c, c, c, c)": 9,
    "Resize(x, up)": 10,
    "Resize(x, down)": 10,
    "Resize(x, mixed)": 10,
    'Resize<mode="linear">(x, mixed)': 10,
    "Slice(x, last, before, places_1, minus)": 10,
    "TopK(x, minus_k)": 10,
    "Mod<fmod=1>(x, x)": 10,
    "ThresholdedRelu<alpha=0.5>(x)": 10,
}
CONSTANTS = {
    "up": np.array([1, 1, 1.5, 2], np.float32),
    "down": np.array([1, 1, 0.6, 0.26], np.float32),
    "mixed": np.array([1, 1, 0.7, 1.6], np.float32),
    "places": np.array([[[[4, 0]], [[1, 2]]]], np.int64),
    "updates": np.ones((1, 2, 1, 2), np.float32),
    "c": np.array([0.5, 1, 2, 3], np.float32),
    "last": np.array([-1]), "before": np.array([-100]), "places_1": np.array([3]), "minus": np.array([-2]),
    "minus_k": np.array([3]),
}  # fmt: skip
TYPES = {"ArgMax": "int64", "Cast": "int32"}
OUTPUTS = {"TopK": ("float y", "int64 z"), "Split": ("float y", "float z"), "Dropout": ("float y", "float z")}


def graph(node: str) -> str:
    """A network of one node; its rank is open where the text form wants one."""
    operator = node.split("(")[0].split("<")[0]
    outputs = OUTPUTS.get(operator, (f"{TYPES.get(operator, 'float')} y",))
    names = ", ".join(output.split()[1] for output in outputs)
    return f"g (float[a,b,c,d] x) => ({', '.join(outputs)}) {{ {names} = {node} }}"


@pytest.mark.parametrize("opset", [7, 8])
def test_one_node(opset: int, onnx_file: Write, lifted_bits: Lifted) -> None:
    for node, x in NODES.items():
        lifted_bits(onnx_file(graph(node), opset=opset, ir=4), {"x": np.ascontiguousarray(x)})


def test_one_node_of_later_sets(onnx_file: Write, lifted_bits: Lifted) -> None:
    for node, opset in LATER.items():
        used = {
            name: array for name, array in CONSTANTS.items() if name in node.replace(")", ",").replace(",", " ").split()
        }
        lifted_bits(onnx_file(graph(node), used, opset=opset, ir=4), {"x": X})


@pytest.mark.parametrize(("operator", "opset"), [("Upsample", 9), ("Resize", 10)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_scales_that_a_run_brings(operator: str, opset: int, mode: str, onnx_file: Write, lifted_bits: Lifted) -> None:
    """Dimensions that grow and those that shrink find their nearest element in other directions."""
    text = f'g (float[a,b,c,d] x, float[4] s) => (float[e,f,g,h] y) {{ y = {operator}<mode="{mode}">(x, s) }}'
    file = onnx_file(text, opset=opset, ir=4)
    sizes = (0.3, 0.7, 1.0, 1.6, 2.5) if operator == "Resize" else (1.0, 1.6, 2.5)
    for height, width in itertools.product(sizes, repeat=2):
        lifted_bits(file, {"x": X, "s": np.array([1, 1, height, width], np.float32)})


@pytest.mark.parametrize("opset", [7, 8])
def test_statistics_of_each_position(opset: int, onnx_file: Write, lifted_bits: Lifted) -> None:
    """`spatial = 0`, which operator set 9 took away."""
    constants = {name: np.abs(X[i % 2, :2, :2, :3]) + np.float32(i + 1) for i, name in enumerate("sbmv")}
    text = "g (float[n,2,2,3] x) => (float[n,2,2,3] y) {{ y = BatchNormalization<{}>(x, s, b, m, v) }}"
    x = np.ascontiguousarray(X[:, 1:3, 1:3, 2:5])
    lifted_bits(onnx_file(text.format("spatial=0, epsilon=0.001"), constants, opset=opset, ir=4), {"x": x})
    file = onnx_file(text.format("spatial=1"), {n: a[:, 0, 0] for n, a in constants.items()}, opset=opset, ir=4)
    assert lifted_bits(file, {"x": x}) == ["BatchNormalization"]


def test_statistics_that_are_given(onnx_file: Write) -> None:
    constants = {name: np.ones((2, 3), np.float32) for name in "sbmv"}
    text = "g (float[n,2,3] x) => (float[n,2,3] y) { y, p, q = BatchNormalization<spatial=0>(x, s, b, m, v) }"
    with pytest.raises(UserError) as error:
        read(onnx_file(text, constants, opset=7, ir=4), {})
    assert str(error.value).endswith(
        "node 'y' (BatchNormalization) has spatial = 0 and gives statistics: expected one output"
    )


def test_numbers_of_other_types(onnx_file: Write, lifted_bits: Lifted) -> None:
    """Constants that were attributes have the type of what they are used with."""
    text = "g (double[n,4] x) => (double[m,k] y) { y = Pad<pads=[1,0,2,0],value=0.1>(x) }"
    lifted_bits(onnx_file(text, opset=9, ir=4), {"x": X[0, 0, :, :4].astype(np.float64)})


@pytest.mark.parametrize(("operator", "opset"), [("ScaledTanh", 9), ("ParametricSoftplus", 7)])
def test_trial_operators_that_round_otherwise(operator: str, opset: int, onnx_file: Write) -> None:
    """ONNX Runtime computes these by other loops than operators of today: lifted, the last bit may differ."""
    text = f"g (float[a,b,c,d] x) => (float[a,b,c,d] y) {{ y = {operator}<alpha=1.3,beta=0.7>(x) }}"
    assert read(onnx_file(text, opset=opset, ir=4), {}).model.opset_import[0].version == 11
