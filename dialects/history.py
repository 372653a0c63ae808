"""How a module came about: passes that ran, sizes that were fixed, where weights lie and the chip's numbers are from.

So a module that was kept says by itself what is left to be done with it, and its program is the one that it would have
become. Modules that were written by hand need not say any of this.
"""

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64

from dialects.attributes.cim_attributes import DataAttr, WeightFilesAttr
from dialects.cim import WeightOp
from dialects.texts import escaped, texts_in, unescaped

PASSES = "cim.passes"
_CALIBRATION = "cim.calibration"
_SIZES = "cim.fixed_dims"
_SOURCES = "hardware.sources"
_UNCHANGED = "cim.unchanged_since"
_WEIGHTS = "cim.weights"


def begin_history(module: ModuleOp, dims: Mapping[str, int]) -> None:
    """Say of an imported module that no pass has run on it, and which dynamic dimensions were fixed."""
    module.attributes[PASSES] = ArrayAttr([])
    if dims:
        sizes = {escaped(name): IntegerAttr(size, i64) for name, size in dims.items()}
        module.attributes[_SIZES] = DictionaryAttr(dict(sizes))


def note_pass(module: ModuleOp, spec: str) -> None:
    """Say that a pass ran, spelled as for `-p`; twice the same is once, and a module without a history gets none."""
    known = passes_done(module)
    if known is not None and known[-1:] != [spec]:
        module.attributes[PASSES] = ArrayAttr([StringAttr(escaped(done)) for done in (*known, spec)])


def passes_done(module: ModuleOp) -> list[str] | None:
    """The passes that ran, as they are spelled for `-p`; None for a module that says nothing of it."""
    known = texts_in(module.attributes.get(PASSES))
    return None if known is None else list(known)


def note_calibration(module: ModuleOp, file: str, digest: str) -> None:
    """Say with which inputs a pass was calibrated: the name of their file, and what tells its contents."""
    module.attributes[_CALIBRATION] = ArrayAttr([StringAttr(escaped(file)), StringAttr(digest)])


def calibration_of(module: ModuleOp) -> tuple[str, str] | None:
    """The file, and the digest of its contents, of the inputs that passes were calibrated with; None for none."""
    known = texts_in(module.attributes.get(_CALIBRATION))
    if known is None or len(known) != 2:
        return None
    file, digest = known
    return file, digest


def copy_history(module: ModuleOp, to: ModuleOp) -> None:
    """Say of another module that the same passes ran on it."""
    known = module.attributes.get(PASSES)
    if known is not None:
        to.attributes[PASSES] = known


def fixed_dims(module: ModuleOp) -> dict[str, int]:
    """The dynamic dimensions that were fixed, with their sizes."""
    known = module.attributes.get(_SIZES)
    sizes = known.data.items() if isinstance(known, DictionaryAttr) else ()
    return {unescaped(name): size.value.data for name, size in sizes if isinstance(size, IntegerAttr)}


def note_sources(module: ModuleOp, sources: Mapping[str, str] | str) -> None:
    """Say where each of the chip's numbers comes from, by key; for a chip of cimc's own, its name says it."""
    if isinstance(sources, str):
        module.attributes[_SOURCES] = StringAttr(sources)
    else:
        module.attributes[_SOURCES] = DictionaryAttr({key: StringAttr(escaped(text)) for key, text in sources.items()})


def sources_of(module: ModuleOp) -> dict[str, str] | str | None:
    """Where each of the chip's numbers comes from, as `note_sources` was told; None where the module does not say."""
    known = module.attributes.get(_SOURCES)
    if isinstance(known, StringAttr):
        return known.data
    if not isinstance(known, DictionaryAttr):
        return None
    return {key: unescaped(text.data) for key, text in known.data.items() if isinstance(text, StringAttr)}


def note_unchanged(module: ModuleOp, file: str) -> None:
    """Make a module a note that says: the IR is that of the file of this name, beside this one."""
    module.attributes[_UNCHANGED] = StringAttr(escaped(file))


def unchanged_since(module: ModuleOp) -> str | None:
    """The name of the file that holds the IR of which this module is but a note; None for a module of its own."""
    file = module.attributes.get(_UNCHANGED)
    return unescaped(file.data) if isinstance(file, StringAttr) else None


def note_weight_files(module: ModuleOp, names: Iterable[str]) -> None:
    """Say which files, beside that of the module, hold the bytes of its weights."""
    module.attributes[_WEIGHTS] = WeightFilesAttr.of(names)


def stored_weights(module: ModuleOp) -> dict[str, str]:
    """Keys and digests of the arrays that a module's weights name, in order."""
    values = (op.value for op in module.body.block.ops if isinstance(op, WeightOp))
    return {value.key.data: value.digest.data for value in values if isinstance(value, DataAttr)}
