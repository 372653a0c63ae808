"""The JavaScript that draws a page's charts: Vega-Lite with all that it needs, as one script.

`python -m cimc.report.page.libraries` bundles it anew, after a change of vl-convert or altair.
"""

import gzip
from functools import cache
from pathlib import Path

from cimc.report.figures.figure import VEGA_LITE

GIVEN = "window.vegaEmbed = vegaEmbed;"
"""What the script gives to the page."""
KEPT = Path(__file__).with_name(f"vega-lite-{VEGA_LITE}.js.gz")
"""The bundle that comes with the package, as bundling takes longer than all the rest of a page."""


@cache
def libraries() -> str:
    """The script, such that it may stand inside a script element; bundled now if it is not that of this altair."""
    text = gzip.decompress(KEPT.read_bytes()).decode() if KEPT.exists() else bundled()
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def bundled() -> str:
    """The script as vl-convert bundles it, which takes seconds."""
    import vl_convert

    return vl_convert.javascript_bundle(GIVEN, vl_version=VEGA_LITE)


if __name__ == "__main__":
    KEPT.write_bytes(gzip.compress(bundled().encode(), mtime=0))
    print(f"written: {KEPT}")
