"""Listings and programs as targets: tests/end_to_end/test_ir_in.py runs both; here, what a target refuses."""

from io import StringIO

import pytest
from xdsl.parser import Parser

from cimc.optimizer.targets import TARGETS, ListingTarget, ProgramTarget, program_of
from cimc.universe import make_context
from dialects.errors import UserError

TEXT = "func.func @main(%x: tensor<?x4xui8>) { func.return }"


def test_names() -> None:
    assert {name: target() for name, target in TARGETS.items()} == {"listing": ListingTarget, "program": ProgramTarget}


def test_a_program_is_no_text() -> None:
    context = make_context()
    module = Parser(context, TEXT).parse_module()
    with pytest.raises(NotImplementedError, match=r"-t program -o PROG\.cim"):
        ProgramTarget().emit(context, module, StringIO())


def test_what_is_not_scheduled_has_no_program() -> None:
    context = make_context()
    line = '%y = cim.digital "Cast"(%x) with {to = 1 : i64} : (tensor<?x4xui8>) -> tensor<?x4xf32> loc("/cast")'
    module = Parser(context, TEXT.replace("{ ", "{ " + line + " ")).parse_module()
    with pytest.raises(UserError, match="node '/cast' is not scheduled: run schedule-arrays first"):
        program_of(context, module)
    with pytest.raises(UserError, match="is not scheduled"):
        ListingTarget().emit(context, module, StringIO())
