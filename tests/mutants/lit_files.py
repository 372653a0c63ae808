"""The tests of passes in lit/ as tests of pytest: `make mutants` counts them too, and its tool runs pytest only."""

from pathlib import Path

import lit.discovery
import lit.LitConfig
import lit.Test
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "lit" / "passes"
CONFIG = lit.LitConfig.LitConfig("lit", [], 0, False, False, [], False, False, False, None, {})
TESTS = lit.discovery.find_tests_for_inputs(CONFIG, [str(FOLDER)])


@pytest.mark.parametrize("test", TESTS, ids=[test.path_in_suite[-1] for test in TESTS])
def test_lit(test: lit.Test.Test) -> None:
    result = test.config.test_format.execute(test, CONFIG)
    assert result.code is lit.Test.PASS, result.output
