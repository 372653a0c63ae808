"""The attribute of a format as Python makes it; its texts and messages are in lit/dialects/array."""

import pytest
from xdsl.utils.exceptions import VerifyException

from dialects.array import FormatAttr


def test_a_format_says_what_it_is() -> None:
    attribute = FormatAttr.of(4, "offset", centred=True)
    assert str(attribute) == '#array.format<4, "offset", centred>'
    assert attribute.data.text == "4 bits, offset centred"
    assert FormatAttr.of(8, "differential").data.text == "8 bits, differential"


def test_a_format_that_no_array_has_is_refused() -> None:
    with pytest.raises(VerifyException, match="weights of 16 bits: expected 2 to 8"):
        FormatAttr.of(16, "offset")
