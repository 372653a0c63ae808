"""Passes in any order, and again: each gives a right network or one line, and a second time changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper, parser
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.universe import Universe

from cimc.emitter.ports import network_inputs
from cimc.emitter.slots import Slots
from cimc.hardware.library import load_chip
from cimc.ir.texts import text_of
from cimc.machine.inputs import random_inputs
from cimc.onnx_import.importer import import_onnx
from cimc.pass_driver.pass_runner import PassRunner
from cimc.pass_driver.pipeline import exactness_of
from cimc.pass_driver.schedule_validation import ScheduleValidator
from cimc.pass_driver.translation_validation import difference
from cimc.universe import UNIVERSE, make_context
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import store_of

WAY = (
    "fold-constants",
    "raise-matmul",
    "detect-block-diagonal",
    "project-monarch{blocks=2}",
    "fold-permutations",
    "quantize",
    "fold-constants",
    "tile-blocks",
    "choose-formats",
    "place-tiles",
    "schedule-arrays",
)
"""The way down, with every pass that there is."""
OTHERS = {
    "detect-block-diagonal": ("detect-block-diagonal{prune-below=0.3}",),
    "project-monarch{blocks=2}": ('project-monarch{blocks="auto" budget=0.5}',),
    "quantize": ('quantize{activations="tensor"}',),
    "place-tiles": ('place-tiles{mapping="linear"}', 'place-tiles{mapping="densemap"}'),
    "schedule-arrays": ("schedule-arrays{lossy=2}",),
}
"""Options that matter."""
ALL = (*dict.fromkeys(WAY), *(spec for specs in OTHERS.values() for spec in specs))
STOCK = ("canonicalize", "cse", "dce")
"""xDSL's own passes, that may come anywhere."""
RNG = np.random.default_rng(0)


def floats(*shape: int) -> Array:
    return RNG.uniform(-1, 1, shape).astype(np.float32)


NETWORKS: dict[str, tuple[str, Mapping[str, Array]]] = {
    "dense": (
        """g (float[n,4] x) => (float[n,4] y) {
            h = MatMul(x, w)  b = Add(h, c)  r = Relu(b)  s = Gemm<transB = 1>(r, v, d)  i = Identity(s)  y = Add(i, x)
        }""",
        {"w": floats(4, 7), "c": floats(7), "v": floats(4, 7), "d": floats(4)},
    ),
    "monarch": (
        """g (float[2,9] x) => (float[2,8] y) {
            a = Reshape(x, three)  b = Transpose<perm = [1, 0, 2]>(a)  p = MatMul(b, w)
            t = Transpose<perm = [1, 2, 0]>(p)  q = Reshape(t, flat)  o = Relu(q)
            g = Gather<axis = -1>(o, order)  z = MatMul(g, hidden)  y = Add(z, bias)
        }""",
        {
            "three": np.array([2, 3, 3]),
            "w": floats(3, 3, 4),
            "flat": np.array([2, 12]),
            "order": RNG.permutation(12),
            "hidden": (np.kron(np.eye(4), np.ones((3, 2))) * floats(12, 8)).astype(np.float32)[RNG.permutation(12)],
            "bias": floats(8),
        },
    ),
    "integer": (
        """g (float[n,4] x) => (float[n,3] y, float[n,5] z) {
            q, s, p = DynamicQuantizeLinear(x)  i = MatMulInteger(q, v, p)  y = Cast<to = 1>(i)
            c = Cast<to = 1>(u)  w = Mul(c, e)  h = MatMul(x, w)  z = Relu(h)
        }""",
        {
            "v": RNG.integers(-128, 128, (4, 3)).astype(np.int8),
            "u": RNG.integers(0, 256, (4, 5)).astype(np.uint8),
            "e": RNG.uniform(0.1, 1, (1, 5)).astype(np.float32),
        },
    ),
}


@dataclass(frozen=True)
class State:
    """A network after some passes, and its outputs."""

    ctx: Context
    module: ModuleOp
    outputs: Mapping[str, Array]

    def tried(self, spec: str) -> "State | str":
        """The network after one more pass, or the one line with which that refuses it."""
        try:
            return self.after(spec)
        except UserError as error:
            return str(error)

    def after(self, spec: str) -> "State":
        """The network after one more pass, checked."""
        module, (one,) = self.module.clone(), passes(spec)
        PassRunner(self.ctx, [ScheduleValidator(store_of(self.ctx))]).run(module, [one])
        outputs = outputs_of(self.ctx, module)
        for name, expected in self.outputs.items():
            assert difference(outputs[name], expected, exactness_of(one)) is None, (spec, name)
        return State(self.ctx, module, outputs)


def passes(spec: str) -> tuple[ModulePass, ...]:
    return PassPipeline.parse_spec(every_pass(), spec).passes


@cache
def every_pass() -> dict[str, Callable[[], type[ModulePass]]]:
    """xDSL's and ours by name; to look for them goes through everything that is installed."""
    return Universe.get_multiverse().all_passes | UNIVERSE.all_passes


def outputs_of(ctx: Context, module: ModuleOp) -> dict[str, Array]:
    network = Network.of(ctx, module)
    return run_graph(network_model(network), random_inputs(network_inputs(network, Slots())))


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], State]:
    """A network by name, as imported."""
    known: dict[str, State] = {}

    def state(name: str) -> State:
        if name not in known:
            graph, constants = NETWORKS[name]
            model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}')
            model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
            file: Path = tmp_path_factory.mktemp("networks") / f"{name}.onnx"
            file.write_bytes(model.SerializeToString())
            ctx = make_context()
            module = import_onnx(ctx, file, load_chip("tiny-4"))
            known[name] = State(ctx, module, outputs_of(ctx, module))
        return known[name]

    return state


@pytest.mark.parametrize("name", NETWORKS)
def test_every_pass_twice_is_the_same_as_once(name: str, imported: Callable[[str], State]) -> None:
    """At its place on the way down, with all its options."""
    state = imported(name)
    for spec in WAY:
        for other in (spec, *OTHERS.get(spec, ())):
            once = state.after(other)
            assert text_of(once.after(other).module) == text_of(once.module), other
        state = state.after(spec)


@pytest.mark.parametrize("name", NETWORKS)
def test_all_pairs_of_passes(name: str, imported: Callable[[str], State]) -> None:
    """The first where it belongs on the way down, and where it has not been; the second any."""
    state, answers = imported(name), set[str]()
    for spec in dict.fromkeys(WAY):
        for first in (spec, *OTHERS.get(spec, ())):
            before = state.after(first)
            for second in ALL:
                found = before.tried(second)
                if isinstance(found, str):
                    assert len(found.splitlines()) == 1
                    answers.add(found.rpartition(": ")[2].partition(",")[0])
        state = state.after(spec)
    assert answers == {
        "run quantize first",
        "run tile-blocks first",
        "run place-tiles first",
        "expected IR from before schedule-arrays",
    }


@given(
    st.sampled_from(sorted(NETWORKS)), st.integers(0, len(WAY)), st.lists(st.sampled_from([*ALL, *STOCK]), max_size=3)
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("monarch", 9, ['place-tiles{mapping="densemap"}', "schedule-arrays", "schedule-arrays{lossy=2}"])
@example("integer", 10, ["cse", "canonicalize", "schedule-arrays"])
@example("dense", 8, ["fold-permutations", "project-monarch{blocks=2}", "tile-blocks"])
def test_any_passes_after_some_of_the_way(
    imported: Callable[[str], State], name: str, steps: int, specs: list[str]
) -> None:
    state = imported(name)
    for spec in (*WAY[:steps], *specs):
        found = state.tried(spec)
        state = state if isinstance(found, str) else found


@pytest.mark.parametrize("name", NETWORKS)
def test_passes_that_run_without_our_runner(name: str, imported: Callable[[str], State]) -> None:
    """As plain xdsl-opt runs them: a network that verifies, or a UserError."""
    state = imported(name)
    for step in WAY:
        for spec in ALL:
            module, (one,) = state.module.clone(), passes(spec)
            try:
                one.apply(state.ctx, module)
            except UserError:
                continue
            module.verify()
        state = state.after(step)
