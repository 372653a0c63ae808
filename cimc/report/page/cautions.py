"""What a reader of the figures should know: what they are counted for, and what to be warned of."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from cimc.program.distance import PROGRAM
from cimc.program.fidelity import (
    clipped_text,
    clipping_nodes,
    may_clip_text,
    measured_text,
    nodes_by_stage,
    options_text,
)
from cimc.program.one_line import one_line
from cimc.report.copies import copies_sentences
from cimc.report.cost.vectors import INFERENCE
from cimc.report.key_figures import missing_figures
from cimc.report.largest_parts import AREA, DIGITAL, LEAKAGE, PARAMETER, TOTAL, TOTALS, said_parts
from cimc.report.study import Study
from cimc.report.texts.parts_text import constants_text
from cimc.report.texts.reload_text import reload_sentences
from cimc.report.texts.text import limit_text
from cimc.report.words import vectors_text, worded


def cautions(study: Study) -> Iterator[str]:
    """Sentences about one program."""
    missing = missing_figures(study.report.to_json())
    if missing:
        yield f"Not modelled for this program, so not shown: {'; '.join(missing)}."
    yield from (f"{note[:1].upper()}{note[1:]}." for note in study.report.notes)
    yield from reload_sentences(study.report.reload, worded("a token", study.report.per))
    yield from _clipping(study)
    for layer in study.report.layers:
        if "almost" in layer.notes:
            yield f"{one_line(layer.node)} is almost structured ({layer.notes['almost']}), but stored dense."


def _clipping(study: Study) -> Iterator[str]:
    """That the program may clip, where, and what came of it when it was measured."""
    report = study.report
    if report.may_clip:
        yield (
            f"May clip: {may_clip_text(report.may_clip, clipping_nodes(study.program))}. There the largest sum is more "
            "than the ADC can tell, so the program's results can differ from the exact product."
        )
        if report.measured is None:
            yield "How far the program is from its original was not measured. cim-run counts the conversions that clip."
    if report.measured is not None and report.measured.clipping is not None:
        yield f"Clipped when measured: {clipped_text(report.measured, nodes_by_stage(study.program))}."


def conditions(study: Study) -> Iterator[str]:
    """Sentences about what the figures of one program are of: sizes, options, what was measured."""
    dims = ", ".join(f"{name} = {size}" for name, size in study.report.conditions["dims"].items())
    if dims:
        yield f"Digital operators are counted for {dims}."
    prefill = study.report.prefill["total"] or study.report.prefill["parameter"]
    if prefill is not None:
        if study.report.per == INFERENCE:
            vectors = [layer.vectors for layer in study.report.layers]
            yield f"In one inference a multiplication takes {vectors_text(vectors)}."
        many = f"A prefill has {prefill['tokens']} tokens"
        if study.report.per == INFERENCE:
            many = f"A stream has {prefill['tokens']} inferences"
        yield f"{many}; what limits it: {limit_text(prefill)}."
    yield f"Reckoned with: {constants_text(study.report)}."
    yield from copies_sentences(study.report.copies, study.report.array_work, worded("a token", study.report.per))
    if study.report.options:
        yield f"Compiled with {options_text(study.report.options)}."
    if study.report.measured is not None:
        ran = "the program itself" if study.report.measured.ran == PROGRAM else "the network that the program computes"
        yield f"Measured, of {ran}: {measured_text(study.report.measured)}."


TITLES = {
    TOTAL: "Energy with digital operators and leakage",
    PARAMETER: "Energy of arrays alone",
    DIGITAL: "Energy of digital operators",
    LEAKAGE: "Leakage",
    AREA: "Area",
}


def made_of(study: Study, totals: Collection[str] = TOTALS) -> Iterator[str]:
    """Sentences about what some totals of one program are mostly made of, and where those numbers come from."""
    for total, part in said_parts(study.report.largest_parts):
        if total in totals:
            yield f"{TITLES[total]}: {part.text}."


def shared(studies: Sequence[Study], sentences: Callable[[Study], Iterable[str]]) -> dict[str, list[str]]:
    """Each of the sentences, and the labels of the programs that it is said of."""
    labels_of: dict[str, list[str]] = {}
    for study in studies:
        for text in sentences(study):
            labels_of.setdefault(text, []).append(study.label)
    return labels_of
