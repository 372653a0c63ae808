"""Every value is defined before it is used: what xDSL's verifier does not check."""

from xdsl.dialects import test
from xdsl.dialects.builtin import IndexType, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region

from dialects.dominance import undefined_use
from dialects.locations import location

INDEX = IndexType()


def test_definitions_before_uses():
    a = test.TestOp(result_types=[INDEX])
    b = test.TestOp(operands=[a.results[0], a.results[0]], result_types=[INDEX])
    assert undefined_use(ModuleOp([a, b, test.TestOp(operands=[b.results[0]])])) is None


def test_use_before_definition():
    a = test.TestOp(result_types=[INDEX])
    user = test.TestOp(operands=[a.results[0]])
    user.location = location("/layer/é")
    assert undefined_use(ModuleOp([user, a])) == ("test.op of node '/layer/é': operand 0 is used before it is defined")


def test_second_operand_is_named():
    a, b = test.TestOp(result_types=[INDEX]), test.TestOp(result_types=[INDEX])
    user = test.TestOp(operands=[a.results[0], b.results[0]])
    assert "operand 1" in (undefined_use(ModuleOp([a, user, b])) or "")


def test_own_result():
    op = test.TestOp(operands=[(a := test.TestOp(result_types=[INDEX])).results[0]], result_types=[INDEX])
    op.operands[0] = op.results[0]
    assert undefined_use(ModuleOp([a, op])) is not None


def test_regions_see_what_is_around_them_and_their_arguments():
    outer = test.TestOp(result_types=[INDEX])
    block = Block(arg_types=[INDEX])
    block.add_op(test.TestOp(operands=[outer.results[0], block.args[0]]))
    assert undefined_use(ModuleOp([outer, test.TestOp(regions=[Region(block)])])) is None


def test_functions_do_not_see_what_is_around_them():
    outer = test.TestOp(result_types=[INDEX])
    block = Block([test.TestOp(operands=[outer.results[0]]), ReturnOp()])
    function = FuncOp("main", ([], []), Region(block))
    assert "operand 0 is used before it is defined" in (undefined_use(ModuleOp([outer, function])) or "")


def test_regions_do_not_see_what_comes_later_nor_their_own_operation():
    later = test.TestOp(result_types=[INDEX])
    early = test.TestOp(regions=[Region(Block([test.TestOp(operands=[later.results[0]])]))])
    assert undefined_use(ModuleOp([early, later])) is not None
    inner = test.TestOp(operands=[later.results[0]])
    owner = test.TestOp(result_types=[INDEX], regions=[Region(Block([inner]))])
    inner.operands[0] = owner.results[0]
    assert undefined_use(ModuleOp([owner])) is not None


def test_a_region_keeps_its_values_for_itself():
    inner = test.TestOp(result_types=[INDEX])
    owner = test.TestOp(regions=[Region(Block([inner]))])
    assert undefined_use(ModuleOp([owner, test.TestOp(operands=[inner.results[0]])])) is not None
    assert undefined_use(ModuleOp([test.TestOp(regions=[Region(Block([]))]), test.TestOp()])) is None
