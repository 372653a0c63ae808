from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

def simple_evaluate(
    model: LM,
    *,
    tasks: Sequence[str],
    num_fewshot: int | None = None,
    limit: int | None = None,
    task_manager: TaskManager | None = None,
    log_samples: bool = True,
) -> dict[str, Any] | None: ...
