"""Extras: what only some users need, and what to say where it is not installed."""

from importlib.util import find_spec

from dialects.errors import UserError

MODULES = {
    "llm": ("onnxscript", "tokenizers", "jinja2", "torch", "transformers"),
    "report": ("altair", "jinja2", "vl_convert"),
    "sweep": ("altair", "distributed", "filelock", "jinja2", "pyarrow", "vl_convert"),
    "text": ("jinja2", "tokenizers"),
}
"""The modules that each extra of pyproject.toml brings."""


def need(extra: str, purpose: str) -> None:
    """UserError unless all that an extra brings is installed; `purpose` begins the message, as "page.html: drawing it".

    To be asked before the work, so that nothing is lost.
    """
    for module in MODULES[extra]:
        if find_spec(module) is None:
            raise UserError(
                f"{purpose} needs the library {module}, which is not installed: it comes with cimc's extra {extra}, "
                f"as in pip install 'cimc[{extra}]', or pip install '.[{extra}]' in a clone"
            )
