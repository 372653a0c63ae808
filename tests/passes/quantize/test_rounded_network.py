"""Networks with rounded weights: of every structure, and how far their outputs are from the original's."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import StringAttr
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import BlockDiagonalAttr, BlocksAttr, RectanglesAttr
from dialects.cim import weight_op
from dialects.errors import UserError
from dialects.network import Network
from dialects.notes import LayerNotes
from dialects.weights import WeightStore
from passes.quantize.analysis.choices import Resolution
from passes.quantize.float_weights import NAMES, FloatWeights
from passes.quantize.rounded_network import farthest, outputs_on, rounded

GENERATOR = np.random.default_rng(2)
X = GENERATOR.standard_normal((9, 6)).astype(np.float32)


def network(w: np.ndarray, structure: BlockDiagonalAttr | BlocksAttr | None) -> Network:
    store = WeightStore()
    text = """
func.func @main(%x: tensor<?x6xf32> {cim.name = "x"}) -> (tensor<?x4xf32>, tensor<?x6xi64>) {
  %y = cim.matmul %x, @w : tensor<?x6xf32> -> tensor<?x4xf32>
  %n = cim.digital "Cast"(%x) with {to = 7 : i64} : (tensor<?x6xf32>) -> tensor<?x6xi64>
  func.return %y, %n : tensor<?x4xf32>, tensor<?x6xi64>
}"""
    made = Network(Parser(make_context(store), text).parse_module(), store)
    made.add_weight(weight_op("w", w, store, structure=structure))
    return made


@pytest.mark.parametrize("form", ["dense", "blocks down the diagonal", "blocks of any size"])
def test_outputs_are_those_of_the_integers(form: str, tmp_path: Path) -> None:
    """Weights of 4 bits that integers of 4 bits hold exactly move nothing; of 2 bits, as far as they lose."""
    np.savez(tmp_path / "x.npz", x=X)
    w, structure = GENERATOR.integers(-7, 8, (6, 4)).astype(np.float32), None
    w[0::2] = 7
    if form == "blocks of any size":
        w[:4, 1:], w[4:, :1] = 0, 0
        structure = BlocksAttr(StringAttr("sparse"), RectanglesAttr.of(np.array([[0, 0, 4, 1], [4, 1, 2, 3]])))
    elif form != "dense":
        w = w[:, :2].reshape(2, 3, 2).copy()
        structure = BlockDiagonalAttr.of(w.shape, "block_diagonal")
    net = network(w, structure)
    exact = outputs_on(net, str(tmp_path / "x.npz"))
    assert [output.shape for output in exact] == [(9, 4)]
    errors: list[float] = []
    for bits in (4, 2):
        weights = FloatWeights(net, Resolution(bits, 2), LayerNotes(*NAMES))
        errors.append(farthest(outputs_on(rounded(weights, ["w"]), str(tmp_path / "x.npz")), exact))
    assert errors[0] < 1e-6
    assert 0.01 < errors[1] < 1
    assert set(net.weights) == {"w"}


def test_the_largest_error_counts() -> None:
    exact = [np.array([3.0, 4.0]), np.array([[1.0]]), np.zeros(2)]
    assert farthest([np.array([3.0, 4.5]), np.array([[0.8]]), np.zeros(2)], exact) == pytest.approx(0.2)
    assert farthest([np.array([3.0, np.nan])], exact) == np.inf
    assert farthest([], []) == 0


def test_what_vectors_have_in_common_does_not_count() -> None:
    """The vectors are 1 from their mean, which is 100 from 0."""
    exact = [np.array([[101.0], [99.0]])]
    assert farthest([np.array([[100.0], [100.0]])], exact) == pytest.approx(1)
    assert farthest([np.array([[101.5], [99.5]])], exact) == pytest.approx(0.5)


def test_inputs_that_do_not_fit(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((2, 3), np.float32))
    net = network(np.ones((6, 4), np.float32), None)
    with pytest.raises(UserError, match="the network does not run on these inputs: "):
        outputs_on(net, str(tmp_path / "x.npz"))
