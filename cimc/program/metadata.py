"""What a program says about itself beside its tensors: typed, and read from JSON with checks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Never, TypeAlias, cast

from cimc.program.errors import ProgramError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

ENCODINGS = ("offset", "twos-complement", "differential")
DIGIT_BITS = (1, 2, 4, 8)
"""Widths that cells and inputs can be cut to."""
INPUT_BITS = range(4, 9)
"""How many bits inputs may have; those with a sign have the most."""
MAXIMAL_ARRAY_SIDE = 65535
MAXIMAL_UNITS = 65535
"""Digital units, and as many attention units."""
BUFFERS = (1, 2)
"""Sets of registers that an array can have."""
MAXIMAL_LINKS = 65535
LINK_BITS_PER_NS = 1e-3, 1e15
"""The least and the most that a link can move."""
MAXIMAL_DETAIL = 1e15
"""Of any other number about a chip."""
MAXIMAL_RANK = 64
"""Dimensions of an array; those of numpy."""

CHIP_SOURCES = "chip_sources"
"""The note of a program with the source of each of the chip's numbers, by key."""


class JsonObject:
    """One object of the metadata; every access raises ProgramError if it does not find what it expects."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ProgramError(f"damaged: metadata {where} is not an object")
        self.fields = cast(dict[str, Json], dict(cast(Mapping[Any, Json], value)))
        self.where = where

    def text(self, key: str) -> str:
        value = self.fields.get(key)
        return value if isinstance(value, str) else self._wrong(key, "a text")

    def count(self, key: str) -> int:
        return self._check_count(key, self.fields.get(key))

    def flag(self, key: str) -> bool:
        value = self.fields.get(key)
        return value if isinstance(value, bool) else self._wrong(key, "true or false")

    def number(self, key: str) -> float:
        value = self.fields.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else self._wrong(key, "a number")

    def counts(self, key: str) -> tuple[int, ...]:
        return tuple(self._check_count(key, value) for value in self.array(key))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(v if isinstance(v, str) else self._wrong(key, "a list of texts") for v in self.array(key))

    def bound(self, key: str) -> int | None:
        value = self.fields.get(key)
        if value is None or (type(value) is int and -(1 << 63) <= value < 1 << 64):
            return value
        self._wrong(key, "an integer of 64 bits or nothing")

    def shape(self, key: str) -> "Shape | None":
        if self.fields.get(key, ()) is None:
            return None
        if len(self.array(key)) > MAXIMAL_RANK:
            self._wrong(key, f"a list of at most {MAXIMAL_RANK} dimensions")
        return tuple(v if v is None or isinstance(v, str) else self._check_count(key, v) for v in self.array(key))

    def array(self, key: str) -> list[Json]:
        value = self.fields.get(key)
        return value if isinstance(value, list) else self._wrong(key, "a list")

    def child(self, key: str) -> "JsonObject":
        return JsonObject(self.fields.get(key), f"{self.where}.{key}")

    def children(self, key: str) -> "list[JsonObject]":
        return [JsonObject(v, f"{self.where}.{key}[{i}]") for i, v in enumerate(self.array(key))]

    def _check_count(self, key: str, value: object) -> int:
        if type(value) is int and 0 <= value < 1 << 63:
            return value
        self._wrong(key, "a number from 0 on")

    def _wrong(self, key: str, expected: str) -> Never:
        raise ProgramError(f"damaged: metadata {self.where}.{key} is not {expected}")


Shape: TypeAlias = tuple[int | str | None, ...]
"""Numbers, names of symbolic dimensions, None for dimensions without a name."""


@dataclass(frozen=True)
class Chip:
    """The hardware a program is made for: what the machine must know, and everything else as `details`."""

    name: str
    rows: int
    columns: int
    cell_bits: int
    dac_bits: int
    adc_bits: int
    adcs: int
    encoding: str
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def to_json(self) -> dict[str, Json]:
        known = asdict(self)
        return {**known.pop("details"), **known}

    @staticmethod
    def from_json(value: JsonObject) -> "Chip":
        known = ("name", "rows", "columns", "cell_bits", "dac_bits", "adc_bits", "adcs", "encoding")
        return Chip(
            name=value.text("name"),
            rows=value.count("rows"),
            columns=value.count("columns"),
            cell_bits=value.count("cell_bits"),
            dac_bits=value.count("dac_bits"),
            adc_bits=value.count("adc_bits"),
            adcs=value.count("adcs"),
            encoding=value.text("encoding"),
            details={key: item for key, item in value.fields.items() if key not in known},
        )


@dataclass(frozen=True)
class Timing:
    """How long what records start takes, in whole picoseconds: what the compiler took from the chip.

    `adc_ps[a - 1]` is the time of a conversion to `a` bits; an addition of partial sums takes `add_ps` and has at most
    `vector_width` elements. Digital units are numbered from 0, attention units follow.
    """

    settle_ps: int
    adc_ps: tuple[int, ...]
    transfer_ps: int
    add_ps: int
    digital_units: int
    attention_units: int
    vector_width: int
    buffers: int = 1
    """Sets of registers of an array, each of which serves a stage."""
    links: int | None = None
    """Vectors that the interconnect moves at the same time; None for any number."""
    link_bits_per_ns: float | None = None
    """What a link moves beyond `transfer_ps`; None if that is all that a vector takes, of whatever length."""
    program_row_ps: int | None = None
    """Programming one row of an array, all arrays at the same time; None where no weights are loaded in a run."""

    def to_json(self) -> dict[str, Json]:
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {**known, "adc_ps": list(self.adc_ps)}

    @staticmethod
    def from_json(value: JsonObject) -> "Timing":
        names = value.fields
        return Timing(
            settle_ps=value.count("settle_ps"),
            adc_ps=value.counts("adc_ps"),
            transfer_ps=value.count("transfer_ps"),
            add_ps=value.count("add_ps"),
            digital_units=value.count("digital_units"),
            attention_units=value.count("attention_units"),
            vector_width=value.count("vector_width"),
            buffers=value.count("buffers") if "buffers" in names else 1,
            links=value.count("links") if "links" in names else None,
            link_bits_per_ns=value.number("link_bits_per_ns") if "link_bits_per_ns" in names else None,
            program_row_ps=value.count("program_row_ps") if "program_row_ps" in names else None,
        )


@dataclass(frozen=True)
class Stage:
    """Multiplications that run together: from `start_ps` on, for `duration_ps`, transfers in and out included."""

    number: int
    start_ps: int
    duration_ps: int

    def to_json(self) -> dict[str, Json]:
        return asdict(self)

    @staticmethod
    def from_json(value: JsonObject) -> "Stage":
        return Stage(value.count("number"), value.count("start_ps"), value.count("duration_ps"))


@dataclass(frozen=True)
class Value:
    """An output of the program, or as `Input` an input; `dtype` is the name of a numpy dtype or "string".

    `shape` is None where not even the number of dimensions is known.
    """

    name: str
    dtype: str
    shape: Shape | None
    slot: int

    def to_json(self) -> dict[str, Json]:
        shape: Json = None if self.shape is None else list(self.shape)
        return {"name": self.name, "dtype": self.dtype, "shape": shape, "slot": self.slot}

    @staticmethod
    def from_json(value: JsonObject) -> "Value":
        return Value(value.text("name"), value.text("dtype"), value.shape("shape"), value.count("slot"))


@dataclass(frozen=True)
class Input(Value):
    """An input of the program; [low, high) is the range of integers that make sense for it.

    Windows, those of convolutions say, slide over the dimensions whose numbers are in `slides`.
    """

    low: int | None = None
    high: int | None = None
    slides: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Json]:
        slides: dict[str, Json] = {"slides": list(self.slides)} if self.slides else {}
        return {**super().to_json(), "low": self.low, "high": self.high, **slides}

    @staticmethod
    def from_json(value: JsonObject) -> "Input":
        base = Value.from_json(value)
        slides = value.counts("slides") if "slides" in value.fields else ()
        if slides and max(slides) >= len(base.shape or ()):
            raise ProgramError(f"damaged: metadata {value.where}.slides names a dimension that there is not")
        return Input(base.name, base.dtype, base.shape, base.slot, value.bound("low"), value.bound("high"), slides)


@dataclass(frozen=True)
class Weight:
    """A constant matrix of `rows` inputs and `columns` outputs, with the ONNX node it comes from.

    It lies in the arrays `copies` times: vector t is multiplied by copy t modulo `copies` (I25).
    """

    name: str
    rows: int
    columns: int
    node: str = ""
    structure: str = "dense"
    copies: int = 1

    def to_json(self) -> dict[str, Json]:
        known = asdict(self)
        copies = known.pop("copies")
        return known if copies == 1 else {**known, "copies": copies}

    @staticmethod
    def from_json(value: JsonObject) -> "Weight":
        return Weight(
            value.text("name"),
            value.count("rows"),
            value.count("columns"),
            value.text("node"),
            value.text("structure"),
            value.count("copies") if "copies" in value.fields else 1,
        )


@dataclass(frozen=True)
class Multiplication:
    """Value `y` is value `x` times weight number `weight`; `node` is the ONNX node that asked for it.

    With `order`, MULTIPLY adds column j of the weight to element `tables[order][j]` of `y`, not to element j.
    `signed` says that `x` is int8, which may have a plane more for its sign; otherwise its numbers have `input_bits`
    bits, and no more planes than these need.
    """

    y: int
    x: int
    weight: int
    node: str = ""
    order: int | None = None
    signed: bool = False
    input_bits: int = 8

    def to_json(self) -> dict[str, Json]:
        return asdict(self)

    @staticmethod
    def from_json(value: JsonObject) -> "Multiplication":
        order = None if value.fields.get("order") is None else value.count("order")
        return Multiplication(
            value.count("y"),
            value.count("x"),
            value.count("weight"),
            value.text("node"),
            order,
            value.flag("signed"),
            value.count("input_bits") if "input_bits" in value.fields else 8,
        )


@dataclass(frozen=True)
class Kernel:
    """Digital operations as one ONNX model whose inputs and outputs are named `v<slot>`.

    Its initializers `constant<i>`, i in `constants`, have the contents of `Program.constants[i]`.
    `nodes` are the names of the ONNX nodes inside.
    """

    model: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    nodes: tuple[str, ...] = ()
    constants: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "nodes": list(self.nodes),
            "constants": list(self.constants),
        }

    @staticmethod
    def from_json(value: JsonObject, model: bytes) -> "Kernel":
        return Kernel(
            model,
            value.counts("inputs"),
            value.counts("outputs"),
            value.texts("nodes"),
            value.counts("constants"),
        )


@dataclass(frozen=True)
class Source:
    """The model file a program was compiled from, and the digest of its bytes."""

    file: str = ""
    digest: str = ""
    initializers: tuple[str, ...] = ()
    """The inputs of the file that have a value there: the program keeps it, and takes no other."""

    def to_json(self) -> dict[str, Json]:
        names: dict[str, Json] = {"initializers": list(self.initializers)} if self.initializers else {}
        return {"file": self.file, "digest": self.digest, **names}

    @staticmethod
    def from_json(value: JsonObject) -> "Source":
        names = value.texts("initializers") if "initializers" in value.fields else ()
        return Source(value.text("file"), value.text("digest"), names)
