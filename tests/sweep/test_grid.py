"""Grid files: what they may say, and one message for each way in which they can be wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.sweep.grid import Goal, read_grid, suggestion
from cimc.sweep.quality import Reading
from dialects.errors import UserError

Write = Callable[[str], Path]


@pytest.fixture
def grid_file(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "grids" / "g.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return write


def test_a_grid(grid_file: Write) -> None:
    grid = read_grid(
        grid_file("""
            chip = ["tiny-4", "pcm-256"]
            mapping = ["linear", "spread"]
            objective = ["latency"]
            lossy = [0, 4]
            monarch = [0, 8, "8,rank=2", "auto", "paper"]
            [chip_keys]
            adcs = [4, 8]
            settle_ns = [1, 2.5]
            encoding = ["offset", "differential"]
            size = [128]
            adc_table_pj = [[1, 2], [3.5, 4]]
            [pareto]
            maximize = ["utilization"]
            minimize = ["latency_ns.total", "arrays"]
        """)
    )
    assert grid.axes == {
        "chip": ("tiny-4", "pcm-256"),
        "mapping": ("linear", "spread"),
        "objective": ("latency",),
        "lossy": (0, 4),
        "monarch": (0, 8, "8,rank=2", "auto", "paper"),
    }
    assert [chip.rows for chip in grid.chips.values()] == [4, 256]
    assert grid.chip_keys == {
        "adcs": (4, 8),
        "settle_ns": (1.0, 2.5),
        "encoding": ("offset", "differential"),
        "size": (128,),
        "adc_table_pj": ((1.0, 2.0), (3.5, 4.0)),
    }
    assert grid.goals == (Goal("utilization", greatest=True), Goal("latency_ns.total"), Goal("arrays"))


def test_what_is_not_given_does_not_vary(grid_file: Write) -> None:
    grid = read_grid(grid_file(""))
    assert {name: values for name, (*values,) in grid.axes.items()} == {
        "chip": ["pcm-256"],
        "mapping": ["spread"],
        "objective": ["arrays"],
        "lossy": [0],
        "monarch": [0],
    }
    assert grid.chip_keys == {}
    assert grid.goals == ()


def test_chip_files_are_seen_from_the_grid(grid_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = grid_file('chip = ["my.toml", "../other.toml"]')
    keys = 'rows = {}\ncolumns = 8\ncell_bits = 2\ndac_bits = 1\nadc_bits = 8\nadcs = 1\nencoding = "offset"\n'
    (file.parent / "my.toml").write_text(keys.format(8))
    (tmp_path / "other.toml").write_text(keys.format(16))
    monkeypatch.chdir(tmp_path)
    grid = read_grid(file.relative_to(tmp_path))
    assert {name: chip.rows for name, chip in grid.chips.items()} == {"my.toml": 8, "../other.toml": 16}


QUALITY = '[quality]\ntext = "t"\ntokenizer = "bytes"\n'
WRONG: list[tuple[str, str]] = [
    ("mapings = []", "unknown key 'mapings': did you mean 'mapping'?"),
    ("xyz = 1", "unknown key 'xyz': expected one of chip, mapping, objective, lossy, monarch, activations, "),
    ('mapping = "spread"', 'mapping = "spread": expected a list, as in ["spread"]'),
    ("monarch = true", "monarch = true: expected a list, as in [true]"),
    ("mapping = []", "mapping = []: expected at least one value"),
    (
        'mapping = ["square"]',
        'mapping: "square" found, expected one of linear, sparsemap, densemap, spread',
    ),
    ('mapping = ["linear", "linear"]', 'mapping: "linear" is given twice'),
    ('objective = ["speed"]', 'objective: "speed" found, expected one of arrays, latency, throughput'),
    ("lossy = [-1]", "lossy: -1 found, expected 0 (conversions that cannot clip) or a number of bits"),
    (
        "monarch = [1]",
        "monarch: 1 found, expected 0 (the network as it is), a number of blocks of at least 2, also with a rank "
        "(8 or 8,rank=2), auto or paper",
    ),
    (
        "monarch = [true]",
        "monarch: true found, expected 0 (the network as it is), a number of blocks of at least 2, also with a rank "
        "(8 or 8,rank=2), auto or paper",
    ),
    ("chip = [256]", "chip: 256 found, expected the name of a chip or the path of a chip file"),
    ("chip_keys = 3", "chip_keys = 3: expected a table, [chip_keys] with lines like adcs = [4, 8]"),
    ("[chip_keys]\nadc = [4]", "unknown key 'chip_keys.adc': did you mean 'adcs'?"),
    ("[chip_keys]\nadcs = 4", "chip_keys.adcs = 4: expected a list, as in [4]"),
    ("[chip_keys]\nadcs = []", "chip_keys.adcs = []: expected at least one value"),
    ("[chip_keys]\nadcs = [8, 8]", "chip_keys.adcs: 8 is given twice"),
    ("[chip_keys]\nsettle_ns = [1, 1.0]", "chip_keys.settle_ns: 1.0 is given twice"),
    ("[chip_keys]\nadcs = [0]", "chip_keys: adcs = 0: expected an integer from 1 to 65535"),
    ('[chip_keys]\ncell_bits = ["2"]', 'chip_keys: cell_bits = "2": expected one of 1, 2, 4, 8'),
    (
        "[chip_keys]\nadc_table_pj = [1, 2]",
        "chip_keys: adc_table_pj = 1: expected a list of 1 to 24 numbers from 0 to 1000000000000.0",
    ),
    ("[chip_keys]\nadcs = [0x" + "f" * 5000 + "]", "chip_keys: adcs = a number of thousands of digits: expected an"),
    (
        "[chip_keys]\n" + "\n".join(f"{key} = {list(range(1, 1001))}" for key in ("adcs", "rows", "digital_units")),
        "1000000000 points: expected at most 1000000",
    ),
    ("[chip_keys]\nsize = [0]", "chip_keys: size = 0: expected an integer from 1 to 65535"),
    (
        "[chip_keys]\nsize = [4]\ncolumns = [4]",
        "chip_keys: size and columns found, expected one of them: size is rows and columns",
    ),
    ('activations = ["word"]', 'activations: "word" found, expected one of token, tensor, static'),
    ("weight_bits = [5]", "weight_bits: 5 found, expected one of 8, 6, 4, 3, 2, auto"),
    ("weight_group = [1]", "weight_group: 1 found, expected a number of rows of at least 2, or column"),
    ("activation_bits = [3]", "activation_bits: 3 found, expected one of 8, 7, 6, 5, 4"),
    ("quality_budget = [-0.5]", "quality_budget: -0.5 found, expected a relative error of at least 0"),
    ('encoding = ["binary"]', 'encoding: "binary" found, expected one of offset, twos-complement, differential'),
    (
        'encoding = ["offset"]\n[chip_keys]\nencoding = ["offset"]',
        "encoding and chip_keys.encoding found, expected one of them: they are the same",
    ),
    ("quality = 1", 'quality = 1: expected a table, [quality] with lines like text = "text.txt"'),
    ("[quality]\ntexts = 1", "unknown key 'quality.texts': did you mean 'text'?"),
    ("[quality]\nwindows = 1", "quality.text is missing: expected the name of a file"),
    ("[quality]\ntext = 1", "quality.text = 1: expected the name of a file"),
    (
        '[quality]\ntext = "t"',
        'quality.tokenizer is missing: expected a folder with tokenizer.json, or "bytes"',
    ),
    (f"{QUALITY}window = 1", "quality.window = 1: expected a number of at least 2"),
    (f"{QUALITY}stride = true", "quality.stride = true: expected a number of at least 1"),
    (f'{QUALITY}windows = "8"', 'quality.windows = "8": expected a number of at least 1'),
    ("pareto = 1", 'pareto = 1: expected a table, [pareto] with lines like minimize = ["arrays"]'),
    ('[pareto]\nminimise = ["arrays"]', "unknown key 'pareto.minimise': did you mean 'minimize'?"),
    ('[pareto]\nminimize = "arrays"', 'pareto.minimize = "arrays": expected a list, as in ["arrays"]'),
    ("[pareto]\nminimize = [1, 2]", "pareto.minimize: 1 found, expected the name of a figure"),
    (
        '[pareto]\nminimize = ["arrays"]',
        "pareto: one figure found (arrays), expected at least two to compare points by",
    ),
    ('[pareto]\nminimize = ["arrays"]\nmaximize = ["arrays"]', 'pareto: "arrays" is given twice'),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_wrong_grids(text: str, message: str, grid_file: Write) -> None:
    file = grid_file(text)
    with pytest.raises(UserError) as error:
        read_grid(file)
    assert str(error.value).startswith(f"grid file {file}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('chip = ["none"]', "chip: unknown chip 'none': expected one of "),
        ('digital = ["none"]', "digital: unknown digital set 'none': expected one of published, simulator"),
        ('digital = ["g.toml"]', "digital: digital set {folder}/g.toml: 'digital' is no key of a digital set: "),
        ('chip = ["none.toml"]', "chip: chip file {folder}/none.toml cannot be read: no such file or directory"),
        ('chip = ["g.toml"]', "chip: chip file {folder}/g.toml: unknown key 'chip'"),
    ],
)
def test_wrong_chips(text: str, message: str, grid_file: Write) -> None:
    file = grid_file(text)
    with pytest.raises(UserError) as error:
        read_grid(file)
    assert str(error.value).startswith(f"grid file {file}: {message.format(folder=file.parent)}")


def test_files_that_are_no_grids(grid_file: Write, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"grid file .*/none.toml cannot be read: no such file or directory"):
        read_grid(tmp_path / "none.toml")
    with pytest.raises(UserError, match=r"grid file .*/g.toml is not TOML: "):
        read_grid(grid_file("mapping = "))
    file = grid_file("")
    file.write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"grid file .*/g.toml is not TOML: "):
        read_grid(file)


def test_what_networks_read(grid_file: Write, tmp_path: Path) -> None:
    """Files are seen from the grid."""
    file = grid_file(f"{QUALITY}window = 64\nstride = 32\nwindows = 8")
    assert read_grid(file).quality == Reading(file.parent / "t", "bytes", 64, 32, 8)
    quality = read_grid(grid_file(QUALITY.replace("bytes", "../model"))).quality
    assert quality == Reading(file.parent / "t", str(file.parent / "../model"))
    assert read_grid(grid_file("")).quality is None


def test_suggestions() -> None:
    assert suggestion("array", ["arrays", "stages"]) == "did you mean 'arrays'?"
    assert suggestion("x", ["arrays", "stages"]) == "expected one of arrays, stages"
