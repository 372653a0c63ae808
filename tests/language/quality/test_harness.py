"""lm-evaluation-harness as a stand-in, which asks what it would ask; the real one is in `with_lm_eval.py`."""

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cimc.language.answers import Answers
from cimc.language.sampling import Sampling
from cimc.language.tokens import load_tokens
from cimc.program.errors import ProgramError
from dialects.errors import UserError

Pair = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Instance:
    args: tuple[Any, ...]


class TemplateLM:
    """What the base class of models does with contexts and continuations."""

    @property
    def prefix_token_id(self) -> int:
        return getattr(self, "eot_token_id")

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool) -> list[tuple[float, bool]]:
        assert disable_tqdm, "or there are bars in pipes"
        encode: Callable[[str], list[int]] = getattr(self, "tok_encode")
        pairs = [(encode(text) or [self.prefix_token_id], encode(more)) for text, more in (r.args for r in requests)]
        ask: Callable[..., list[tuple[float, bool]]] = getattr(self, "_loglikelihood_tokens")
        return ask([(None, *pair) for pair in pairs], disable_tqdm=True)


class TaskManager:
    def __init__(self, include_path: str | None = None) -> None:
        self.include_path = include_path


def rolling(token_list: list[int], prefix_token: int, max_seq_len: int, context_len: int) -> Iterator[Pair]:
    assert context_len == 1
    ids = [prefix_token, *token_list]
    for first in range(0, len(token_list), max_seq_len):
        yield ids[first : first + max_seq_len], token_list[first : first + max_seq_len]


def disjoint(pair: Pair) -> Pair:
    return pair[0][:1], pair[1]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Our module, on the stand-in."""
    contents: dict[str, dict[str, Any]] = {
        "lm_eval": {"simple_evaluate": None},
        "lm_eval.api": {},
        "lm_eval.api.instance": {"Instance": Instance},
        "lm_eval.api.model": {"TemplateLM": TemplateLM},
        "lm_eval.tasks": {"TaskManager": TaskManager},
        "lm_eval.utils": {"get_rolling_token_windows": rolling, "make_disjoint_window": disjoint},
    }
    for name, content in contents.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "cimc.language.quality.harness", raising=False)
    yield importlib.import_module("cimc.language.quality.harness")
    sys.modules.pop("cimc.language.quality.harness", None)


class Told(Answers):
    """Answers that say what they were asked."""

    def __init__(self) -> None:
        self.tokens, self.longest = load_tokens("bytes"), 4

    def likelihood(self, context: Any, continuation: Any) -> tuple[float, bool]:
        if continuation == [ord("!")]:
            raise ZeroDivisionError("a mistake of ours")
        if continuation == [ord("?")]:
            raise ProgramError("it cannot be run")
        return -float(len(continuation)) - context[0] / 1000, bytes(continuation) == b" sat"

    def write(self, prompt: Any, max_tokens: int, until: Any, sampling: Sampling) -> str:
        return f"{bytes(prompt).decode()}|{max_tokens}|{until}|{sampling.temperature:g}|{sampling.top_p:g}"


def asks(*kinds: tuple[str, tuple[Any, ...]]) -> Callable[..., Any]:
    """A harness that asks these questions, by name of a method, and gives back the answers."""

    def evaluate(model: Any, **options: Any) -> dict[str, Any]:
        answers = [getattr(model, name)([Instance(arguments)]) for name, arguments in kinds]
        return {"results": {"told": {"alias": "told", "acc,none": 0.5, "acc_stderr,none": 0.1}}, "answers": answers}

    return evaluate


def answers_to(harness: Any, *kinds: tuple[str, tuple[Any, ...]]) -> list[Any]:
    def progress(answered: int, questions: int) -> None:
        assert answered < questions

    return asks(*kinds)(harness.HarnessModel(Told(), progress))["answers"]


def test_likelihoods(harness: Any) -> None:
    found = answers_to(harness, ("loglikelihood", ("the cat", " sat")), ("loglikelihood", ("", "a")))
    assert found == [[(-4.116, True)], [(-1.01, False)]], "where there is no context, a line ends before the text"
    assert answers_to(harness, ("loglikelihood", ("the cat", ""))) == [[(0.0, True)]]


def test_whole_texts(harness: Any) -> None:
    """The network reads four tokens at once, and every token is scored once."""
    assert answers_to(harness, ("loglikelihood_rolling", ("abcdef",))) == [[pytest.approx(-6 - 0.010 - 0.100)]]


def test_texts_to_write(harness: Any) -> None:
    options: list[dict[str, Any]] = [
        {"until": ["\n", "."], "max_gen_toks": 8, "do_sample": False, "temperature": 0.7},
        {"until": "\n", "max_new_tokens": 9, "temperature": 0.7, "top_p": 0.9},
        {},
    ]
    found = answers_to(harness, *(("generate_until", ("the", each)) for each in options))
    assert found == [["the|8|['\\n', '.']|0|1"], ["the|9|['\\n']|0.7|0.9"], ["the|256|[]|0|1"]]
    assert answers_to(harness, ("generate_until", ("", {})))[0][0].startswith("\n|")


def test_figures_and_what_is_asked_for(harness: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}
    steps: list[tuple[int, int]] = []

    def evaluate(**options: Any) -> dict[str, Any]:
        asked.update(options)
        result = asks(("loglikelihood", ("a", "b")))(**options)
        result["results"]["told"] |= {"exact_match,first": 1, "sample_len": 3, "bad,none": "N/A"}
        return result

    monkeypatch.setattr(harness, "simple_evaluate", evaluate)
    tasks = harness.Tasks(["told"], limit=3, shots=2, folder=tmp_path)

    def progress(answered: int, questions: int) -> None:
        steps.append((answered, questions))

    figures = harness.run_tasks(Told(), tasks, progress)
    assert figures == {"told": {"acc": 0.5, "acc (stderr)": 0.1, "exact_match, first": 1.0}}
    assert (asked["tasks"], asked["limit"], asked["num_fewshot"]) == (["told"], 3, 2)
    assert asked["task_manager"].include_path == str(tmp_path)
    assert steps == [(0, 1)]


def test_mistakes_of_others_are_a_line(harness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(**options: Any) -> None:
        raise ValueError("no such\ntask")

    monkeypatch.setattr(harness, "simple_evaluate", unknown)
    with pytest.raises(UserError, match=r"^lm-evaluation-harness: ValueError: no such task$"):
        harness.run_tasks(Told(), harness.Tasks(["none"]))
    monkeypatch.setattr(harness, "simple_evaluate", asks(("loglikelihood", ("a", "?"))))
    with pytest.raises(ProgramError, match=r"^it cannot be run$"):
        harness.run_tasks(Told(), harness.Tasks(["none"]))


def test_mistakes_of_ours_are_none(harness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "simple_evaluate", asks(("loglikelihood", ("a", "!"))))
    with pytest.raises(ZeroDivisionError):
        harness.run_tasks(Told(), harness.Tasks(["none"]))
