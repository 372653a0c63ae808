"""The page in a real browser: numbers, charts, what the mouse does, and that nothing is ever loaded."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from cimc.report.figures.maps import occupancy
from cimc.report.figures.maps.grid import Grid
from cimc.report.page.page import page_of
from cimc.report.palette import TONES
from cimc.report.study import Study, json_of

pytestmark = pytest.mark.browser

Browser: TypeAlias = Any
"""A selenium Chrome, whose own types leave half of its results open."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1280,1000",
)  # fmt: skip
UNITS = {
    "": 1,
    "%": 0.01,
    "ps": 1e-3,
    "ns": 1,
    "µs": 1e3,
    "ms": 1e6,
    "pJ": 1,
    "nJ": 1e3,
    "µJ": 1e6,
    "µm²": 1,
    "mm²": 1e6,
}
SECONDS = 60
"""To wait for what takes a second: a test machine may be busy."""
MARKS = """
    const count = (item) => (item.marktype && item.marktype !== "group" ? item.items.length : 0)
        + (item.items ?? []).reduce((sum, child) => sum + count(child), 0);
    return Object.fromEntries(views.map(({ id, view }) => [id, count(view.scenegraph().root)]));
"""
TILES = """
    const found = [];
    const walk = (item) => {
        if (item.datum && "from_row" in item.datum) found.push(item);
        (item.items ?? []).forEach(walk);
    };
    walk(views.find(({ id }) => id === "occupancy-0").view.scenegraph().root);
    return found.map((item) => [item.datum.owner, item.opacity]);
"""

ZOOM = """
    const [x, y, done] = arguments;
    const view = views.find(({ id }) => id === "occupancy-0").view;
    view.signal("zoom_x", x).signal("zoom_y", y).runAsync().then(() => done());
"""
NUMBERS = """
    const found = [];
    const walk = (item) => {
        if (item.datum && "column" in item.datum && "line" in item.datum) found.push(item.datum.array);
        (item.items ?? []).forEach(walk);
    };
    walk(views.find(({ id }) => id === "occupancy-0").view.scenegraph().root);
    return found.sort((a, b) => a - b);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium with an empty profile, which logs its console and its requests."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.fail("no chromium and chromedriver on the PATH: run `make browser` as root, or install them")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options, ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Opens the page of studies and waits for its charts."""

    def go(*studies: Study) -> Browser:
        browser.get("about:blank")
        for log in ("browser", "performance"):
            browser.get_log(log)
        (tmp_path / "page.html").write_text(page_of(studies), encoding="utf-8")
        browser.get((tmp_path / "page.html").as_uri())
        WebDriverWait(browser, SECONDS).until(lambda chrome: state(chrome) != "waiting")
        assert state(browser) == "drawn"
        return browser

    return go


def state(chrome: Browser) -> str:
    return run(chrome, "return document.documentElement.dataset.charts")


def run(chrome: Browser, script: str, *arguments: object) -> Any:
    return chrome.execute_script(script, *arguments)


def until(chrome: Browser, holds: Callable[[], bool]) -> None:
    WebDriverWait(chrome, SECONDS).until(lambda _: holds())


def test_the_numbers_of_one_program(opened: Callable[..., Browser], study: Study) -> None:
    chrome = opened(study)
    assert check_numbers(chrome, [study]) >= 7


def test_the_numbers_of_two_programs(opened: Callable[..., Browser], study: Study) -> None:
    other = replace(study, label="other", report=replace(study.report, arrays=1234, utilization=0.125))
    chrome = opened(study, other)
    assert check_numbers(chrome, [study, other]) >= 14
    assert chrome.find_element(By.CSS_SELECTOR, '[data-program="1"][data-path="arrays"]').text == "1,234"


def check_numbers(chrome: Browser, studies: list[Study]) -> int:
    """Compares every number that is shown with the JSON in the page, and that with ours; how many there are."""
    inside: Any = json.loads(run(chrome, "return document.getElementById('report').textContent"))
    assert inside == json.loads(json.dumps(json_of(studies)))
    reports: list[Any] = inside if len(studies) > 1 else [inside]
    shown = chrome.find_elements(By.CSS_SELECTOR, "[data-path][data-value]")
    for element in shown:
        found: Any = reports[int(element.get_attribute("data-program") or "")]
        for key in (element.get_attribute("data-path") or "").split("."):
            found = found[key]
        number, _, unit = element.text.replace(",", "").partition(" ")
        assert float(element.get_attribute("data-value") or "") == found
        assert float(number) * UNITS[unit] == pytest.approx(found, rel=6e-3), element.text
    return len(shown)


def test_nothing_is_loaded(opened: Callable[..., Browser], study: Study) -> None:
    """The only request is the one for the page itself; the console stays empty."""
    chrome = opened(study, replace(study, label="other"))
    messages = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    requests = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in requests if not url.startswith(("data:", "blob:", "about:"))] == [chrome.current_url]
    assert chrome.get_log("browser") == []


def test_the_policy_of_the_page_forbids_to_load(opened: Callable[..., Browser], study: Study) -> None:
    """So that the test above cannot pass by accident."""
    chrome = opened(study)
    blocked = """
        const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
        fetch("https://example.org/x").catch(() => {});
    """
    assert chrome.execute_async_script(blocked).startswith("https://example.org/")


def test_charts_are_drawn(opened: Callable[..., Browser], study: Study) -> None:
    chrome = opened(study, replace(study, label="other"))
    marks = run(chrome, MARKS)
    charts = chrome.find_elements(By.CSS_SELECTOR, ".chart")
    assert sorted(marks) == sorted(chart.get_attribute("id") or "" for chart in charts)
    assert min(marks.values()) > 0
    tiles = len(study.program.tiles)
    for number in (0, 1):
        assert marks[f"occupancy-{number}"] >= tiles + 2 * study.report.arrays
    for chart in charts:
        (drawing,) = chart.find_elements(By.CSS_SELECTOR, "svg.marks, canvas.marks")
        assert drawing.size["width"] > 200
        assert drawing.size["height"] > 20


def test_thousands_of_arrays_are_drawn(opened: Callable[..., Browser], big_study: Study) -> None:
    """On a canvas, which has colours then."""
    chrome = opened(big_study)
    assert run(chrome, MARKS)["occupancy-0"] >= 2 * 4608
    colors = """
        const canvas = document.querySelector("#occupancy-0 canvas");
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(data.buffer)).size;
    """
    assert run(chrome, colors) > 24
    assert "Only 200 of 4,608 arrays are drawn, evenly chosen." in chrome.page_source


def test_zooming_into_many_arrays_shows_their_numbers(
    opened: Callable[..., Browser], big_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of arrays that are drawn as one strip."""
    monkeypatch.setattr(occupancy, "MOST_MARKS", 100)
    chrome = opened(big_study)
    assert run(chrome, MARKS)["occupancy-0"] < 1000
    assert run(chrome, NUMBERS) == []
    pitch = Grid.of(big_study.program.chip, 4608).pitch
    chrome.execute_async_script(ZOOM, [2.1 * pitch[0], 4 * pitch[0]], [pitch[1], 2.9 * pitch[1]])
    across = Grid.of(big_study.program.chip, 4608).across
    assert run(chrome, NUMBERS) == [across + 2, across + 3, 2 * across + 2, 2 * across + 3]
    assert chrome.get_log("browser") == []


def test_a_program_without_arrays(opened: Callable[..., Browser], empty_study: Study) -> None:
    chrome = opened(empty_study)
    assert "The program uses no array." in chrome.find_element(By.ID, "occupancy").text
    assert chrome.get_log("browser") == []


def test_hovering_over_a_tile(opened: Callable[..., Browser], study: Study) -> None:
    """It names the nodes, the array, and which cells."""
    chrome = opened(study)
    hover(chrome, tile(chrome))
    until(chrome, lambda: bool(chrome.find_elements(By.CSS_SELECTOR, "#vg-tooltip-element.visible")))
    text = chrome.find_element(By.ID, "vg-tooltip-element").text
    assert re.search(r"node\W+first, again", text)
    assert re.search(r"array\W+0", text)
    assert re.search(r"cells\W+rows 0 to 3, columns 0 to 3", text)
    assert re.search(r"weight\W+4 x 6", text)


def tile(chrome: Browser) -> Any:
    """The first tile on the map."""
    return next(
        path
        for path in chrome.find_elements(By.CSS_SELECTOR, "#occupancy-0 svg path[aria-label]")
        if "first, again" in (path.get_attribute("aria-label") or "")
    )


def hover(chrome: Browser, element: Any) -> None:
    run(chrome, "arguments[0].scrollIntoView({ block: 'center' })", element)
    ActionChains(chrome).move_to_element(element).perform()


def test_a_layer_stands_out_in_all_charts(opened: Callable[..., Browser], study: Study) -> None:
    chrome = opened(study)
    layers = {owner for owner, _ in run(chrome, TILES)}
    assert layers == {"first", "last"}
    row = chrome.find_element(By.CSS_SELECTOR, 'tr[data-layer="last"] td')
    run(chrome, "arguments[0].scrollIntoView({ block: 'center' })", row)
    row.click()
    until(
        chrome, lambda: {(o, opacity == 1) for o, opacity in run(chrome, TILES)} == {("first", False), ("last", True)}
    )
    assert chrome.find_element(By.CSS_SELECTOR, "output.picked span").text == "last"
    chrome.find_element(By.CSS_SELECTOR, "output.picked button").click()
    until(chrome, lambda: {opacity for _, opacity in run(chrome, TILES)} == {1})
    hover(chrome, tile(chrome))
    ActionChains(chrome).click().perform()
    until(
        chrome, lambda: {(o, opacity == 1) for o, opacity in run(chrome, TILES)} == {("first", True), ("last", False)}
    )
    assert len(chrome.find_elements(By.CSS_SELECTOR, "tr.picked")) == 2


def test_zooming(opened: Callable[..., Browser], study: Study) -> None:
    """The wheel moves the page; with Ctrl it zooms the map, and a double click goes back."""
    chrome = opened(study)
    element = tile(chrome)
    hover(chrome, element)
    domain = "return views.find(({ id }) => id === 'occupancy-0').view.scale('x').domain().map(Number)"
    whole, place = run(chrome, domain), ScrollOrigin.from_element(element)
    ActionChains(chrome).scroll_from_origin(place, 0, -40).perform()
    assert run(chrome, domain) == whole
    hover(chrome, element)
    ActionChains(chrome).key_down(Keys.CONTROL).scroll_from_origin(place, 0, -120).key_up(Keys.CONTROL).perform()
    until(chrome, lambda: width_of(run(chrome, domain)) < 0.95 * width_of(whole))
    ActionChains(chrome).double_click().perform()
    until(chrome, lambda: run(chrome, domain) == whole)


def width_of(domain: list[float]) -> float:
    return domain[1] - domain[0]


def test_sorting_the_layers(opened: Callable[..., Browser], study: Study) -> None:
    chrome = opened(study)

    def order() -> list[str]:
        return run(
            chrome, "return [...document.querySelectorAll('table.layers tbody tr')].map((r) => r.cells[1].textContent)"
        )

    assert order() == ["first", "again", "last"]
    head = next(h for h in chrome.find_elements(By.CSS_SELECTOR, "table.layers th") if h.text.startswith("node"))
    run(chrome, "arguments[0].scrollIntoView({ block: 'center' })", head)
    head.click()
    assert order() == ["again", "first", "last"]
    head.click()
    assert order() == ["last", "first", "again"]
    assert head.get_attribute("aria-sort") == "descending"


def test_the_adcs_of_an_array(opened: Callable[..., Browser], study: Study) -> None:
    """The last ADC to finish an activation finishes with it; another array shows other activations."""
    assert study.timeline is not None
    chrome = opened(study)
    ends = """
        const found = [];
        const walk = (item) => {
            if (item.datum && "adc_number" in item.datum) found.push([item.datum.start, item.datum.end]);
            (item.items ?? []).forEach(walk);
        };
        walk(views.find(({ id }) => id === "converters-0").view.scenegraph().root);
        return found;
    """
    select = chrome.find_element(By.CSS_SELECTOR, "#converters-0 select")
    for array in (0, study.report.arrays - 1):
        run(chrome, "arguments[0].scrollIntoView({ block: 'center' })", select)
        choice = next(o for o in select.find_elements(By.TAG_NAME, "option") if o.text == str(array))
        choice.click()
        own = [e for e in study.timeline.events if str(e.resource) == "array" and e.unit == array]
        expected = sorted((e.start_ps / 1e6, e.end_ps / 1e6) for e in own)
        until(chrome, lambda: [start for start, _ in sorted(run(chrome, ends))] == [start for start, _ in expected])
        found = sorted(run(chrome, ends))
        assert [end for _, end in found] == pytest.approx([end for _, end in expected])


def test_a_narrow_screen(opened: Callable[..., Browser], study: Study) -> None:
    """Nothing is wider than the screen, and the charts follow it."""
    chrome = opened(study, replace(study, label="other"))
    chrome.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        until(chrome, lambda: max(run(chrome, "return views.map(({ view }) => view.width())")) <= 390)
        until(chrome, lambda: run(chrome, "return document.documentElement.scrollWidth") <= 390)
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


LAYERS = """
    const found = [];
    const walk = (item) => {
        if (item.datum && "from_row" in item.datum) found.push(item.fill);
        (item.items ?? []).forEach(walk);
    };
    walk(views.find(({ id }) => id === "occupancy-0").view.scenegraph().root);
    return [...new Set(found)].sort();
"""


def test_a_dark_screen_and_paper(opened: Callable[..., Browser], study: Study) -> None:
    """Page and charts follow the screen; what is printed is light, with notes and warnings."""
    ground = "return [getComputedStyle(document.documentElement).backgroundColor, views[0].view.signal('paper')]"
    chrome = opened(study)
    assert run(chrome, ground) == ["rgb(255, 255, 255)", "#ffffff"]
    light = run(chrome, LAYERS)
    assert light == sorted(set(study.colors))
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        until(chrome, lambda: run(chrome, ground) == ["rgb(20, 24, 28)", TONES["paper"][1]])
        chrome = opened(study)
        assert run(chrome, ground) == ["rgb(20, 24, 28)", TONES["paper"][1]]
        assert not set(run(chrome, LAYERS)) & set(light)
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", **dark})
        run(chrome, "dispatchEvent(new Event('beforeprint'))")
        assert run(chrome, ground) == ["rgb(255, 255, 255)", "#ffffff"]
        hidden = (
            "return [...document.querySelectorAll('.note:not(.hands), .cautions, figcaption, section > details > div')]"
        )
        assert run(chrome, f"{hidden}.filter((e) => !e.checkVisibility()).length") == 0
        run(chrome, "dispatchEvent(new Event('afterprint'))")
        assert run(chrome, "return document.querySelectorAll('section > details[open]').length") == 0
    finally:
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_top_numbers_on_a_narrow_screen(opened: Callable[..., Browser], study: Study) -> None:
    """Not one is cut, however large it is."""
    report = replace(study.report, stored_weights=1_234_567_890_123, conversions_per_token=9_876_543_210_987)
    chrome = opened(replace(study, report=report))
    size = {"width": 420, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        cut = """
            return [...document.querySelectorAll(".strip dd")].filter(
                (e) => e.scrollWidth > e.clientWidth || e.getBoundingClientRect().right > innerWidth).length;
        """
        until(chrome, lambda: run(chrome, "return innerWidth") == 420)
        assert run(chrome, cut) == 0
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
