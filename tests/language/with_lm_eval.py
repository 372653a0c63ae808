"""The real lm-evaluation-harness asks a program: `make harness` installs it, with some fifty packages."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from cimc.language.answers import Answers
from cimc.language.tokens import load_tokens
from dialects.errors import UserError

TASK = """
task: choice
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
target_delimiter: ""
metric_list: [{metric: acc}]
"""
QUESTIONS = [
    {"question": "the cat", "choices": [" sat", "!!"], "answer": 0},
    {"question": "a cat", "choices": [" sat", "!!"], "answer": 1},
]


class Likely(Answers):
    """Answers for which a continuation is likely unless it begins with "!"."""

    def __init__(self) -> None:
        self.tokens, self.longest = load_tokens("bytes"), 4

    def likelihood(self, context: Any, continuation: Any) -> tuple[float, bool]:
        return -float(continuation[0] == ord("!")), False


@pytest.mark.filterwarnings("ignore")
def test_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task of one's own, from a file: the first answer is always the likelier, for it has a cheaper first byte."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "choice.json").write_text("\n".join(map(json.dumps, QUESTIONS)))
    (tmp_path / "choice.yaml").write_text(TASK.replace("FILE", str(tmp_path / "choice.json")))
    real = importlib.import_module("cimc.language.quality.harness")
    assert real.run_tasks(Likely(), real.Tasks(["choice"], folder=tmp_path))["choice"]["acc"] == 0.5
    assert real.run_tasks(Likely(), real.Tasks(["choice"], limit=1, folder=tmp_path))["choice"]["acc"] == 1.0
    with pytest.raises(UserError, match=r"^lm-evaluation-harness: KeyError: .*nothing"):
        real.run_tasks(Likely(), real.Tasks(["nothing"], folder=tmp_path))
