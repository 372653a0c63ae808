"""Templates: what stands in scripts stays there."""

import json

from cimc.report.page.rendering import embedded


def test_embedded() -> None:
    text = embedded({"a": "</script><!--", "b": [1, None]})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--", "b": [1, None]}
