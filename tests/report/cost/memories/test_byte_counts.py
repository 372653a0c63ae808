"""What is counted of values that are held, read and written."""

import numpy as np

from cimc.report.cost.memories.byte_counts import ByteCounts, bytes_of


def test_tensors_sequences_and_nothing() -> None:
    tensor = np.zeros((3, 2), np.int16)
    assert [bytes_of(value) for value in (tensor, [tensor, tensor], None)] == [12, 24, 0]


def test_a_value_holds_the_most_that_it_had() -> None:
    counts = ByteCounts()
    for length in (2, 5, 3):
        counts.hold({7: np.zeros(length, np.int8)})
    assert counts.held == {7: 5}


def test_what_is_moved_adds_up() -> None:
    counts, values = ByteCounts(), {1: np.zeros(4, np.int8), 2: np.zeros(4, np.int32)}
    for _ in range(2):
        counts.move(values, [1], [2])
    counts.multiply(values, 1, 2)
    assert (counts.read, counts.written, counts.multiplied) == ({1: 8}, {2: 48}, {2: 4})
    assert counts.held == {1: 4, 2: 16}
