"""Chat templates, rendered as transformers renders them."""

from importlib import import_module
from typing import Any

import pytest

from cimc.language.chat import ChatTemplate
from dialects.errors import UserError

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
MESSAGE = 'it\'s <a> & "b" né'
TEMPLATES = {
    "blocks": "{% for m in messages %}\n  {% if m.role == 'user' %}\n  {{ m.content }}\n {% endif %}\n{% endfor %}",
    "json": "{{ messages | tojson }}{{ messages | tojson(indent=2) }}{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}",
    "special": "{{ bos_token }}{{ messages[0]['content'] }}{{ eos_token }}",
    "generation": "{% generation %}{{ messages[-1].content }}{% endgeneration %}{{ 'x' if add_generation_prompt }}",
    "loops": "{% for i in range(9) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}{{ tools is defined }}",
    "year": "{% macro m(x) %}{{ strftime_now(x) | length }}{% endmacro %}{{ m('%d') }}{{ m('%Y') }}",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_as_in_transformers(name: str) -> None:
    render: Any = import_module("transformers.utils.chat_template_utils").render_jinja_template
    chats, source = [[{"role": "user", "content": MESSAGE}]], TEMPLATES[name]
    (expected,), _ = render(chats, chat_template=source, add_generation_prompt=True, **SPECIAL)
    assert ChatTemplate(TEMPLATES[name], SPECIAL).render(MESSAGE) == expected


def test_templates_that_cannot_be_read() -> None:
    with pytest.raises(UserError) as error:
        ChatTemplate("{% for %}", {})
    assert str(error.value) == (
        "chat template: cannot be read: Expected an expression, got 'end of statement block': --no-template takes the "
        "text as it is"
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ raise_exception('no system role') }}", "no system role"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages.append(1) }}", "access to attribute 'append' of 'list' object is unsafe."),
        ("{{ ''.__class__.mro() }}", "access to attribute '__class__' of 'str' object is unsafe."),
    ],
)
def test_templates_that_fail(source: str, why: str) -> None:
    """Also those that reach for what no template needs."""
    with pytest.raises(UserError) as error:
        ChatTemplate(source, {}).render("hello")
    assert str(error.value) == f"chat template: fails: {why}: --no-template takes the text as it is"
