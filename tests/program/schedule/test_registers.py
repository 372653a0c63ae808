"""An array serves as many stages as it has sets of registers (S15)."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import OUT_OF_ARRAYS, Opcode
from cimc.program.schedule.registers import services_of, verify_registers
from cimc.program.times.timing import Numbers, activations_of, record_ends

IN1, OUT2, OUT3, IN5 = 1, 9, 10, 13


def ends_of(program: Program) -> Numbers:
    assert program.timing is not None
    return record_ends(program, program.timing, activations_of(program, program.timing))


def test_services(scheduled: Program) -> None:
    """From the first vector in to the last product out; array 1 does not wait for value 2."""
    scheduled.instructions["start"][[IN1, OUT2, IN5]] = 70, 300, 480
    services = services_of(scheduled, ends_of(scheduled))
    assert services.of_record.tolist() == [0, 0, 2, 2, 1, 1]
    assert np.stack(services[:4], axis=1).tolist() == [[0, 0, 70, 400], [0, 1, 480, 732], [1, 0, 70, 326]]


def test_a_product_that_stays_is_done_with_its_sums(scheduled: Program) -> None:
    records = scheduled.instructions
    stays = (records["op"] != Opcode.TRANSFER) | (records["flags"] != OUT_OF_ARRAYS) | (records["x"] != 2)
    program = replace(scheduled, instructions=records[stays])
    assert services_of(program, ends_of(program)).end.tolist() == [226, 732, 326]


def test_nothing_multiplied_is_nothing_served(scheduled: Program) -> None:
    program = replace(scheduled, instructions=scheduled.instructions[:1])
    assert not services_of(program, ends_of(program)).array.size


@pytest.mark.parametrize(
    ("start", "buffers", "legal"), [(326, 1, True), (325, 1, False), (325, 2, True), (80, 2, True)]
)
def test_sets_of_registers(scheduled: Program, start: int, buffers: int, legal: bool) -> None:
    """Stage 1 begins to move value 5 into array 0, which serves stage 0 until 326 ps."""
    scheduled.instructions["start"][IN5] = start
    if legal:
        verify_registers(scheduled, buffers, ends_of(scheduled))
        return
    with pytest.raises(ProgramError) as error:
        verify_registers(scheduled, buffers, ends_of(scheduled))
    assert str(error.value) == "array 0 serves stages 0, 1 at 325 ps, it has 1 set of registers"


def test_three_stages_are_too_many_for_two_sets(scheduled: Program) -> None:
    """Value 3 is made in a stage of its own, in array 0 too."""
    records = scheduled.instructions
    records["start"][IN5] = 100
    third = np.append(records, records[IN1])
    third["stage"][-1], third["start"][-1] = 7, 90
    third["array"][7:9], third["stage"][7:9] = 0, 7
    program = replace(scheduled, instructions=third)
    verify_registers(program, 3, ends_of(program))
    with pytest.raises(ProgramError) as error:
        verify_registers(program, 2, ends_of(program))
    assert str(error.value) == "array 0 serves stages 0, 1, 7 at 100 ps, it has 2 sets of registers"
