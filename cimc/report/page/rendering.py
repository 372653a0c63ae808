"""Makes pages of templates: what a page is given stands inside it, and nothing is loaded."""

import json
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from cimc.report.page.libraries import libraries
from cimc.report.palette import TONES

OWN = "cimc.report.page"


def rendered(template: str, package: str = OWN, **values: Any) -> str:
    """The page of a template, which is given the colours and the libraries of charts beside its own values.

    Templates of another `package` may include those of this one.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, "template") for name in dict.fromkeys((package, OWN))]),
        autoescape=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    grounds = {"light": {name: tone[0] for name, tone in TONES.items()}, "dark": {n: t[1] for n, t in TONES.items()}}
    return environment.get_template(template).render(
        tones=TONES, tone_table=embedded(grounds), libraries=libraries(), **values
    )


def embedded(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
