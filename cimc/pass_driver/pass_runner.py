"""Runs passes one by one: checks the module around each, times it, and has it kept or compared if asked to."""

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from cimc.onnx_import.reader import digest_of
from cimc.pass_driver.legality import LEGAL_AFTER, LEGAL_BEFORE
from cimc.pass_driver.plugins import blamed
from cimc.pass_driver.verification import Verifier
from dialects.dominance import undefined_use
from dialects.history import note_calibration, note_pass, passes_done
from dialects.locations import is_lost
from dialects.network import main_block, operations
from dialects.weight_uses import wrong_weight_use
from passes.rules import Rule, concerned, require

AfterPass = Callable[[ModulePass | None, ModuleOp], None]
"""Called with None before the first pass, then after each pass with that pass."""

BeforePass = Callable[[ModulePass], None]
"""Called with each pass before it runs."""


@dataclass(frozen=True)
class PassStatistics:
    """What a pass took and did: seconds of the pass, seconds of the checks around it, operations by name after it."""

    name: str
    seconds: float
    checking: float
    operations: Counter[str]


@dataclass
class PassRunner:
    """Runs passes on a module of `ctx`; `after` are called in order once the module is known to be legal."""

    ctx: Context
    after: Sequence[AfterPass] = ()
    before: BeforePass = lambda coming: None
    statistics: list[PassStatistics] = field(default_factory=list[PassStatistics])
    _begun: bool = False
    _verifier: Verifier = field(default_factory=Verifier)

    def run(self, module: ModuleOp, passes: Sequence[ModulePass]) -> None:
        """Apply `passes`; each is given a module that keeps the rules which it needs, and must leave one that verifies
        and keeps those of its stage.

        A second call goes on with the same module, so `after` are not called with None again.
        Raises UserError for a user's mistake (IllegalNetwork for a module that a pass cannot run on); an illegal module
        after a pass is an assertion, for it is a bug of ours.
        """
        for callback in () if self._begun else self.after:
            callback(None, module)
        self._begun = True
        located = _all_located(list(operations(module.body.block)))
        kept: tuple[Rule, ...] = ()
        for pass_ in passes:
            self.before(pass_)
            begun = time.perf_counter()
            needed = [rule for rule in LEGAL_BEFORE.get(pass_.name, ()) if rule not in kept]
            if needed:
                require(module, needed, pass_.name)
            start = time.perf_counter()
            with blamed(pass_):
                pass_.apply(self.ctx, module)
                applied = time.perf_counter()
                ops = check(module, pass_.name, self._verifier)
                assert not located or _all_located(ops), f"{pass_.name} lost the ONNX node of an operation"
                if passes_done(module) is not None:
                    _note(module, pass_)
            kept = LEGAL_AFTER.get(pass_.name, ())
            checked = time.perf_counter()
            names = Counter([op.name for op in operations(main_block(module))])
            self.statistics.append(
                PassStatistics(pass_.name, applied - start, checked - applied + start - begun, names)
            )
            with blamed(pass_):
                for callback in self.after:
                    callback(pass_, module)


def check(module: ModuleOp, pass_name: str, verifier: Verifier | None = None) -> list[Operation]:
    """What must hold after the pass of that name: types, definitions before uses, the rules of its stage.

    Gives all operations of the module, in order.
    """
    try:
        (verifier or Verifier()).verify(module)
    except VerifyException as error:
        raise AssertionError(f"after {pass_name}: {error}") from error
    ops = list(operations(module.body.block))
    wrong = undefined_use(module) or wrong_weight_use(module, ops)
    assert wrong is None, f"after {pass_name}: {wrong}"
    rules = LEGAL_AFTER.get(pass_name, ())
    multiplications = concerned(module) if rules else []
    for rule in rules:
        breach = rule.breach(module, multiplications)
        assert breach is None, f"after {pass_name}: {rule.text} should hold, but not for node {breach.node!r}"
    return ops


def spelled(pass_: ModulePass) -> str:
    """A pass as for `-p`, defaults left out; without the file that it calibrates with, which may be gone."""
    spec = pass_.pipeline_pass_spec()
    spec.parameters.pop("calibration", None)
    return re.sub(r"=(\d+)e", r"=\1.0e", str(spec))  # xDSL reads 1e-09 as a text


def _note(module: ModuleOp, pass_: ModulePass) -> None:
    """Have the module say that a pass ran, and with which inputs it was calibrated."""
    note_pass(module, spelled(pass_))
    calibration: object = getattr(pass_, "calibration", None)
    if isinstance(calibration, str) and Path(calibration).is_file():
        note_calibration(module, Path(calibration).name, digest_of(Path(calibration)))


def _all_located(ops: Sequence[Operation]) -> bool:
    return not any(is_lost(op) for op in ops)
