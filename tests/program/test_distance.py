"""What was measured, as text and as JSON and back."""

import json
import math
from dataclasses import replace

import pytest

from cimc.program.distance import PROGRAM, Distance
from cimc.program.errors import ProgramError
from cimc.program.metadata import Json, JsonObject

MEASURED = Distance(
    False, 0.5, 2.0, "y", "z", ("1 of 2 values differ",), "made float32", None, PROGRAM, "x.npz", {0: (3, 8), 2: (0, 4)}
)


def test_as_text() -> None:
    assert str(MEASURED) == (
        "cosine 0.500000 (output 'y'), largest difference 2 from the original (output 'z'); 1 of 2 values differ "
        "(made float32)"
    )
    assert str(Distance(True)) == "identical to the original, bit for bit"
    assert str(Distance(False, None, 3.0, "n", "n")) == "largest difference 3 from the original (output 'n')"
    assert str(Distance(False, failure="too slow")) == "not measured: too slow"


def test_what_clipped() -> None:
    assert MEASURED.clipped == (3, 12)
    assert Distance(True).clipped is None


@pytest.mark.parametrize(
    "distance", [MEASURED, Distance(True), replace(MEASURED, cosine=None), replace(MEASURED, largest=math.inf)]
)
def test_json_and_back(distance: Distance) -> None:
    text = json.dumps(distance.to_json(), allow_nan=False)
    assert Distance.from_json(JsonObject(json.loads(text), "measured")) == distance


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ran": "me"}, "damaged: metadata measured.ran is 'me', expected one of program, network"),
        ({"cosine": "1"}, "damaged: metadata measured.cosine is not a number"),
        ({"largest_difference": True}, "damaged: metadata measured.largest_difference is not a number"),
        ({"identical": 1}, "damaged: metadata measured.identical is not true or false"),
        ({"others": [1]}, "damaged: metadata measured.others is not a list of texts"),
        ({"clipping": [{"stage": 0, "clipped": -1}]}, "damaged: metadata measured.clipping[0].clipped is not a number"),
    ],
)
def test_damaged(change: dict[str, Json], message: str) -> None:
    with pytest.raises(ProgramError) as error:
        Distance.from_json(JsonObject({**MEASURED.to_json(), **change}, "measured"))
    assert str(error.value).startswith(message)
