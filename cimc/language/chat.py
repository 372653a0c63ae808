"""Chat templates: what a user says, in the words around it that a model was trained with."""

import datetime
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from jinja2 import Environment, TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dialects.errors import UserError


class ChatTemplate:
    """A template of Jinja as transformers renders it: in its sandbox, with the same functions.

    Raises UserError for one that Jinja cannot read.
    """

    def __init__(self, source: str, special: Mapping[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        self.special = dict(special)
        try:
            self.template = environment.from_string(source, {"raise_exception": _raise, "strftime_now": _now})
        except TemplateError as error:
            raise UserError(f"chat template: cannot be read: {error}: --no-template takes the text as it is") from error

    def render(self, text: str) -> str:
        """The text of a chat that begins with what a user says, up to where the answer is to begin."""
        messages = [{"role": "user", "content": text}]
        try:
            return self.template.render(
                messages=messages, tools=None, documents=None, add_generation_prompt=True, **self.special
            )
        except Exception as error:  # a template may do anything, and fail in any way
            raise UserError(f"chat template: fails: {error}: --no-template takes the text as it is") from error


class _Generation(Extension):
    """`{% generation %}` marks what the model says, for training; here it is just its content."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    """JSON without the escapes for HTML that Jinja's own filter adds."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(format: str) -> str:
    return datetime.datetime.now().strftime(format)
