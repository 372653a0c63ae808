"""Checks that a scheduled module is one that the hardware can keep, with the machine's own checker."""

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.emitter.emit import emit
from dialects.network import Network
from dialects.weights import WeightStore
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass


@dataclass(frozen=True)
class ScheduleValidator:
    """An `AfterPass` callback that emits a scheduled module: AssertionError if the program cannot be kept."""

    store: WeightStore

    def __call__(self, done: ModulePass | None, module: ModuleOp) -> None:
        if isinstance(done, ScheduleArraysPass):
            emit(Network(module, self.store), mapping="")
