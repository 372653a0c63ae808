"""What a reader of the figures should know: what they are counted for, and what to be warned of."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.key_figures import missing_figures
from cimc.report.study import Study


def cautions(study: Study) -> Iterator[str]:
    """Sentences about one program."""
    missing = missing_figures(study.report.to_json())
    if missing:
        yield f"Not modelled for this program, so not shown: {'; '.join(missing)}."
    yield from (f"{note[:1].upper()}{note[1:]}." for note in study.report.notes)
    clipping, groups = may_clip(study.program), study.report.row_groups
    if clipping:
        yield (
            f"{clipping:,} of {groups:,} row groups may clip: their largest sum is more than their ADC can tell, so "
            "the program's results can differ from the exact product. cim-run counts the conversions that do."
        )
    for layer in study.report.layers:
        if "almost" in layer.notes:
            yield f"{one_line(layer.node)} is almost structured ({layer.notes['almost']}), but stored dense."


def conditions(study: Study) -> Iterator[str]:
    """A sentence about what the figures of one program are counted for."""
    dims = ", ".join(f"{name} = {size}" for name, size in study.report.conditions["dims"].items())
    if dims:
        yield f"Digital operators are counted for {dims}."
    prefill = study.report.prefill["total"] or study.report.prefill["parameter"]
    if prefill is not None:
        yield f"A prefill has {prefill['tokens']} tokens; what limits it: {prefill['busiest']}."


def shared(studies: Sequence[Study], sentences: Callable[[Study], Iterable[str]]) -> dict[str, list[str]]:
    """Each of the sentences, and the labels of the programs that it is said of."""
    labels_of: dict[str, list[str]] = {}
    for study in studies:
        for text in sentences(study):
            labels_of.setdefault(text, []).append(study.label)
    return labels_of


def may_clip(program: Program) -> int:
    """How many row groups can meet a sum that their ADC clips or rounds."""
    multiplies = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    largest = (1 << multiplies["adc_bits"].astype("int64")) - 1
    return int(((multiplies["bound"] > largest) | (multiplies["adc_shift"] > 0)).sum())
