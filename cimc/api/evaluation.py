"""How well a program predicts a text, from Python: `cim-eval` without files in between."""

from cimc.api.models import Model, model_file
from cimc.api.program import Program
from cimc.language.context import Run
from cimc.language.ports import ports_of
from cimc.language.quality.evaluation import ORIGINAL, PROGRAM, REFERENCE, Evaluation, Plan, window_for
from cimc.language.quality.evaluation import evaluate as evaluate_networks
from cimc.language.quality.texts import text_of
from cimc.language.tokens import BYTES, Tokens, load_tokens
from cimc.machine.check import Reference
from cimc.original import load_original
from dialects.errors import UserError


def evaluate(
    program: Program,
    text: str | bytes,
    tokens: Tokens | str = BYTES,
    *,
    window: int | None = None,
    stride: int | None = None,
    windows: int | None = None,
    batch: int = 1,
    reference: Model | None = None,
    original: Model | None = None,
) -> Evaluation:
    """Have a language model predict a text, window by window, and other networks beside it.

    Args:
        program: the language model.
        text: what it reads; bytes where its tokens are bytes, or as UTF-8.
        tokens: what `load_tokens` gives, or takes: a folder with a tokenizer, or "bytes".
        window: tokens of a window, of which the first is context only; None for 512, or as many as the network reads.
        stride: a window begins every so many tokens, and scores what none before it has; None for as many as it has.
        windows: how many windows are read; None for all of the text.
        batch: how many are read side by side.
        reference: the network that the program computes: all of its outputs are compared bit for bit.
        original: the network that was compiled.

    The result has `scores` by name ("program", "reference", "original"), each with `perplexity`, `bits_per_byte`,
    `nats`, `tokens` and `size` in bytes; `difference` says where the reference differs, "" if it does not.

    Raises UserError or ProgramError if the text, the tokens or one of the networks cannot be used.
    """
    ports, known = ports_of(program), load_tokens(tokens) if isinstance(tokens, str) else tokens
    length = window_for(ports, known.longest) if window is None else window
    for name, value in (("window", length), ("stride", stride), ("windows", windows), ("batch", batch)):
        if value is not None and value < 1:
            raise UserError(f"{name}={value}: expected a number of at least 1")
    if stride is not None and stride > length:
        raise UserError(f"stride={stride}: expected at most the {length} tokens of a window")
    runs: dict[str, Run] = {PROGRAM: program.machine().run}
    if reference is not None:
        with model_file(reference, REFERENCE) as file:
            runs[REFERENCE] = Reference(file).run
    if original is not None:
        with model_file(original, ORIGINAL) as file:
            runs[ORIGINAL] = load_original(file)[0].run
    return evaluate_networks(runs, ports, text_of(text, known), Plan(length, stride or length, windows, batch))
