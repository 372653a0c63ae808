"""Passes of other packages: tests/end_to_end/test_own_pass.py installs some; here, what a package may do wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.pass_driver.pipeline import Exactness, exactness_of
from cimc.pass_driver.plugins import GROUP, Plugin, blamed
from dialects.errors import UserError
from passes.tile_blocks import TileBlocksPass


@dataclass(frozen=True)
class FailingPass(ModulePass):
    """A pass that raises what it is told."""

    name = "failing"
    exactness = Exactness.ROUNDING
    error: Callable[[], Exception] = KeyError

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        raise self.error()


def test_a_class_is_loaded() -> None:
    plugin = Plugin(EntryPoint("tile-blocks", "passes.tile_blocks:TileBlocksPass", GROUP))
    assert (plugin.name, plugin.package, plugin.load()) == ("tile-blocks", "passes", TileBlocksPass)


@pytest.mark.parametrize("value", ["passes.none:Pass", "passes.tile_blocks:None", "dialects.errors:UserError"])
def test_what_is_no_pass(value: str) -> None:
    with pytest.raises(UserError, match=r"^pass odd of the package (passes|dialects)"):
        Plugin(EntryPoint("odd", value, GROUP)).load()


def test_a_pass_of_ours_is_not_blamed() -> None:
    with pytest.raises(KeyError), blamed(FailingPass()):
        raise KeyError("ours")


def test_another_packages_pass_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cimc.pass_driver.plugins._packages", {FailingPass: "strange"})
    for error, fault in (
        (KeyError("x"), "KeyError: 'x'"),
        (AssertionError("after failing: odd"), "after failing: odd"),
    ):
        with pytest.raises(UserError, match=rf"^pass failing of the package strange failed: {fault} \(.*, line"):
            with blamed(FailingPass()):
                raise error
    with pytest.raises(UserError, match=r"^mine$"), blamed(FailingPass()):
        raise UserError("mine")


def test_it_says_itself_how_exact_it_is() -> None:
    assert exactness_of(FailingPass()) is Exactness.ROUNDING
