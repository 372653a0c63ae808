import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from cimc.report.page import libraries as module
from cimc.report.page.libraries import KEPT, bundled, libraries


def test_what_is_kept_is_what_would_be_bundled() -> None:
    """If not, bundle it anew: python -m cimc.report.page.libraries."""
    assert gzip.decompress(KEPT.read_bytes()).decode() == bundled()


def test_another_version_is_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", tmp_path / "vega-lite-0.0.js.gz")
    monkeypatch.setattr(module, "bundled", lambda: "let a = '</script><!--';")
    libraries.cache_clear()
    try:
        assert libraries() == "let a = '<\\/script><\\!--';"
    finally:
        libraries.cache_clear()


def test_a_page_bundles_nothing() -> None:
    code = "import sys, cimc.report.page.rendering as page; page.libraries(); print('vl_convert' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout == "False\n"
