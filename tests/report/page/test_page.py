"""The page as text: what is in it, and that it asks for nothing from outside."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from cimc.program.program import Program
from cimc.report.formats import marked_formats
from cimc.report.page.page import page_of
from cimc.report.study import Study, json_of, studies_of


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of scripts by their id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.inside = dict(attrs).get("id") or f"script {len(self.scripts)}"

    def handle_endtag(self, tag: str) -> None:
        self.inside = None if tag == "script" else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside is not None:
            self.scripts[self.inside] = self.scripts.get(self.inside, "") + data


def test_the_numbers_are_those_of_the_json(study: Study) -> None:
    page = Elements(page_of([study]))
    assert json.loads(page.scripts["report"]) == json.loads(json.dumps(json_of([study])))
    shown = {a["data-path"]: a["data-value"] for _, a in page.tags if a.get("data-value") is not None}
    assert shown["arrays"] == str(study.report.arrays)
    assert shown["utilization"] == str(study.report.utilization)


def test_structure_is_told_by_layer(study: Study) -> None:
    structures = {"monarch": {"factors": 50, "layers": 25}}
    page = page_of([replace(study, report=replace(study.report, structures=structures))])
    assert "structure of the weights: 50 monarch factors of 25 layers\n" in page


def test_formats_have_a_row_each_and_their_colour_on_the_map(study: Study, mixed: Program) -> None:
    (other,) = studies_of({"mixed.cim": mixed})
    plain, several = (
        page.split('<table class="formats"')[1].split("</table>")[0] for page in (page_of([study]), page_of([other]))
    )
    assert "8-bit offset" in plain
    assert "--layer" not in plain
    rows = [re.findall(r"<td.*?>(.*?)</td>", row) for row in several.split("<tr>")[2:]]
    assert [re.sub("<.*?>", "", row[0]) for row in rows] == [
        "8-bit offset", "4-bit offset, centred", "3-bit differential",
    ]  # fmt: skip
    assert [row[1:6] for row in rows] == [
        ["2", "4", "8", "8", "24"], ["2", "2", "4", "4", "24"], ["2", "4", "8", "4", "12"],
    ]  # fmt: skip
    assert [row[-1] for row in rows] == ["75.0 %", "75.0 %", "37.5 %"]
    assert re.findall(r"--layer:(#\w+)", several) == [own.color for own in marked_formats(mixed)]


def test_nothing_is_loaded(study: Study) -> None:
    page = Elements(page_of([study]))
    assert not {"link", "iframe", "img", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    assert not [tag for tag, a in page.tags if "src" in a or (tag != "a" and "href" in a)]
    assert all(a["href"].startswith("#") for tag, a in page.tags if tag == "a" and a["href"] is not None)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy


def test_links_lead_to_sections(study: Study) -> None:
    page = Elements(page_of([study, replace(study, label="other")]))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for tag, a in page.tags if tag == "a"} <= {f"#{i}" for i in ids}


def test_equal_programs_make_equal_pages(study: Study) -> None:
    assert page_of([study]) == page_of([study])


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "<!-- <b>", "a & 'b' \"c\" {{ d }}"])
def test_names_are_only_text(name: str, study: Study) -> None:
    """Whatever an ONNX node or a file is called."""
    layers = tuple(replace(layer, node=name) for layer in study.report.layers)
    odd = replace(study, label=name, report=replace(study.report, layers=layers))
    page, plain = Elements(page_of([odd])), Elements(page_of([study]))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert json.loads(page.scripts["report"])["layers"][0]["node"] == name


def test_figures_that_are_null_are_left_out_with_a_sentence(study: Study) -> None:
    nothing = {"parameter": None, "digital": None, "total": None}
    layers = tuple(replace(layer, energy_pj=None) for layer in study.report.layers)
    page = page_of([replace(study, report=replace(study.report, area_um2=None, energy_pj=nothing, layers=layers))])
    paths = {a.get("data-path") for _, a in Elements(page).tags}
    assert not {"area_um2", "energy_pj.total", "energy_pj.parameter"} & paths
    assert re.search(r"Not modelled for this program, so not shown: [^<]*energy a token, arrays alone[^<]*area", page)
    assert "The program has no energy by layer, so this is not shown." in page


def test_two_programs_stand_side_by_side(study: Study) -> None:
    other = replace(study, label="other", report=replace(study.report, arrays=3 * study.report.arrays))
    page = page_of([study, other])
    elements = Elements(page)
    arrays = [(a["data-program"], a["data-value"]) for _, a in elements.tags if a.get("data-path") == "arrays"]
    assert arrays == [("0", str(study.report.arrays)), ("1", str(3 * study.report.arrays))]
    assert '<td class="ratio">3\u00d7</td>' in page
    assert [report["program"] for report in json.loads(elements.scripts["report"])] == ["p", "other"]


def test_pages_of_thousands_of_arrays_are_a_few_megabytes(big_study: Study) -> None:
    assert len(page_of([big_study]).encode()) < 3_000_000


def test_the_page_of_a_hundred_thousand_arrays_is_small(huge_study: Study) -> None:
    """Below 5 MB, the libraries included, with so few marks that a browser draws them at once."""
    page = page_of([huge_study])
    assert huge_study.report.arrays == 102_400
    assert len(page.encode()) < 3_000_000
    assert "102,400 tiles are too many to draw one by one" in page
