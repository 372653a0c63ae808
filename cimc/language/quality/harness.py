"""Language models for lm-evaluation-harness, which knows how benchmarks are asked and scored.

The only module that imports it: nobody needs it for anything else.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.tasks import TaskManager
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from cimc.language.answers import Answers
from cimc.language.quality.texts import first_token, plain_ids
from cimc.language.sampling import Sampling
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from dialects.errors import UserError

DEFAULT_TOKENS = 256
"""Tokens of an answer where a task does not say."""
_NAMES_OF_TOKENS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
Progress = Callable[[int, int], None]
"""Called with the number of questions of one kind that are answered, and of all."""
Figures = dict[str, dict[str, float]]
"""Figures by task and metric, such as `acc` or `acc (stderr)`."""


_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Tasks:
    """Which tasks to run, with so many examples before each question, on so many questions of each.

    None for what the task says. `folder` has task files of one's own, in the harness's YAML.
    """

    names: Sequence[str]
    limit: int | None = None
    shots: int | None = None
    folder: Path | None = None


class HarnessModel(TemplateLM):
    """A network as the harness sees it."""

    def __init__(self, answers: Answers, progress: Progress) -> None:
        super().__init__()
        self.answers, self.progress = answers, progress
        self.broken = False
        """Whether an exception came out of here, and not out of the harness."""

    @property
    def eot_token_id(self) -> int:
        """Stands before a text that has nothing before it."""
        return first_token(self.answers.tokens)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        return plain_ids(string, self.answers.tokens)

    def loglikelihood(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Without the bar of the base class, which is there in pipes as well."""
        return super().loglikelihood(requests, disable_tqdm=True)

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, **kwargs: Any
    ) -> list[tuple[float, bool]]:
        """For each context and continuation, as tokens."""
        return [self._likelihood(context, continuation) for _, context, continuation in self._counted(requests)]

    def loglikelihood_rolling(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[float]:
        """Of whole texts, each in windows that do not overlap, as the harness cuts them."""
        return [self._rolling(request.args[0]) for request in self._counted(requests)]

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        return [self._answer(*request.args) for request in self._counted(requests)]

    def _rolling(self, text: str) -> float:
        pairs = get_rolling_token_windows(
            token_list=self.tok_encode(text),
            prefix_token=self.prefix_token_id,
            max_seq_len=self.answers.longest,
            context_len=1,
        )
        return sum(self._likelihood(*make_disjoint_window(pair))[0] for pair in pairs)

    def _answer(self, prompt: str, options: Mapping[str, Any]) -> str:
        tokens = next((int(options[name]) for name in _NAMES_OF_TOKENS if name in options), DEFAULT_TOKENS)
        until: str | list[str] = options.get("until") or []
        temperature = float(options.get("temperature") or 0) if options.get("do_sample", True) else 0.0
        sampling = Sampling(temperature, float(options.get("top_p") or 1))
        ids = self.tok_encode(prompt) or [self.prefix_token_id]
        self.broken = True
        answer = self.answers.write(ids, tokens, [until] if isinstance(until, str) else until, sampling)
        self.broken = False
        return answer

    def _counted(self, requests: Sequence[_Item]) -> Iterator[_Item]:
        for number, request in enumerate(requests):
            self.progress(number, len(requests))
            yield request

    def _likelihood(self, context: list[int], continuation: list[int]) -> tuple[float, bool]:
        self.broken = True
        answer = self.answers.likelihood(context, continuation) if continuation else (0.0, True)
        self.broken = False
        return answer


def run_tasks(answers: Answers, tasks: Tasks, progress: Progress = lambda answered, questions: None) -> Figures:
    """The figures of a network in tasks. Raises UserError for a task that is unknown or has no data, and ProgramError.

    What the harness itself raises is one of many types; data sets that are not on this machine it looks for elsewhere.
    """
    model = HarnessModel(answers, progress)
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # else it tells which defaults it takes
    try:
        manager = TaskManager(include_path=None if tasks.folder is None else str(tasks.folder))
        results = simple_evaluate(
            model=model,
            tasks=list(tasks.names),
            num_fewshot=tasks.shots,
            limit=tasks.limit,
            task_manager=manager,
            log_samples=False,
        )
    except (UserError, ProgramError):
        raise
    except Exception as error:
        if model.broken:
            raise
        raise UserError(f"lm-evaluation-harness: {type(error).__name__}: {one_line(error)}") from error
    assert results is not None, "the first of all processes has them"
    return {task: _figures(figures) for task, figures in results["results"].items()}


def _figures(values: Mapping[str, Any]) -> dict[str, float]:
    """Figures by metric; the harness names them `acc,none`, after the filter that answers went through."""
    figures: dict[str, float] = {}
    for name, value in values.items():
        metric, comma, answer_filter = name.partition(",")
        if comma and isinstance(value, int | float):
            metric = f"{metric.removesuffix('_stderr')} (stderr)" if metric.endswith("_stderr") else metric
            figures[metric if answer_filter == "none" else f"{metric}, {answer_filter}"] = float(value)
    return figures
