"""Long lines are broken where the parser does not mind, and nowhere inside of a text."""

from cimc.ir.layout import WIDTH, folded, wrapped


def test_short_lines_stay() -> None:
    assert wrapped("#a = [1, 2]") == "#a = [1, 2]"
    assert folded("func.func @main(%x: f32) -> (f32) ", "\n  ") == "func.func @main(%x: f32) -> (f32) "


def test_lines_end_after_commas() -> None:
    quoted = '"a, b, ' + "x, " * 60 + '\\", c"'
    lines = wrapped(f"#a = [{', '.join(map(str, range(60)))}, {quoted}, 1]").split("\n")
    assert lines[0].endswith(",")
    assert [len(line) <= WIDTH for line in lines] == [True, True, False, True]
    assert lines[2] == f"  {quoted},"
    assert " ".join(line.strip() for line in lines).endswith(f"59, {quoted}, 1]")


def test_each_dictionary_has_a_line() -> None:
    assert wrapped("#a = [{b = 1}, {b = 2}]") == "#a = [{b = 1},\n  {b = 2}]"


def test_arguments_and_results_have_lines() -> None:
    argument = '%x: tensor<?x2xf32> {cim.name = "a, (b", cim.dims = ["n", ""]} loc("a")'
    header = f"func.func @main({argument}, {argument}) -> (f32, tensor<2x3xf32>) attributes {{a = [1, 2]}} "
    assert folded(header, "\n  ").split("\n") == [
        "func.func @main(",
        f"      {argument},",
        f"      {argument}",
        "    ) -> (",
        "      f32,",
        "      tensor<2x3xf32>",
        "    ) attributes {a = [1, 2]} ",
    ]
    assert folded("func.func @main() -> (" + "f32, " * 30 + "f32) ", "\n  ").startswith("func.func @main() -> (\n")
