"""Which figures a page has, in which order."""

from cimc.report.figures.all_figures import COMPARING, FIGURES, figures_of
from cimc.report.study import Study


def test_figures_of_one_program_and_of_several(study: Study) -> None:
    alone, beside = figures_of([study]), figures_of([study, study])
    assert (len(alone), len(beside)) == (len(FIGURES), len(COMPARING))
    assert [figure.name for figure in beside] == ["comparison", *(figure.name for figure in alone)]
    assert len({figure.name for figure in beside}) == len(beside)
