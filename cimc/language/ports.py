"""The ports of a language model: which input is what, and which output goes back into which input.

They are known by name, element type and shape, in the spellings of transformers' exporters, optimum, torch.onnx,
ONNX Runtime's model builder and examples/monarch_lm: see `cimc/program/port_names.py`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cimc.program.errors import ProgramError
from cimc.program.metadata import Input, Shape, Value
from cimc.program.one_line import one_line
from cimc.program.port_names import CacheName, Role, cache_name, role_of
from cimc.program.program import Program

SHOWN = 4
"""Inputs, and as many outputs, that a message names."""
INTEGERS = ("int64", "int32")
MASKS = (*INTEGERS, "bool", "float32", "float16")
_HIDDEN = re.compile("hidden|state|embed|pool|attention")
"""In names of outputs that are no logits, those of encoders."""
_GROUPED = b"GroupQueryAttention"


@dataclass(frozen=True)
class CachePort:
    """Keys or values of a layer: an input with those of the tokens before, an output with those of all tokens.

    `shape` is what is known of the input: None for a size that only running it tells. `batch` and `time` are the
    numbers of the dimensions that count sequences and tokens.
    """

    past: Input
    present: Value
    shape: Shape
    batch: int
    time: int

    def sizes(self, batch: int, tokens: int) -> tuple[int, ...]:
        """The shape for so many sequences with so many tokens before; all other sizes must be known."""
        sizes = [size if isinstance(size, int) else 0 for size in self.shape]
        assert None not in (*self.shape[: self.time], *self.shape[self.time + 1 :]), "sizes are resolved before"
        sizes[self.batch], sizes[self.time] = batch, tokens
        return tuple(sizes)


@dataclass(frozen=True)
class Ports:
    """The ports of a program that is a language model; `cache` is in the order of layers, empty if it has none."""

    ids: Input
    """Tokens, [batch, tokens]."""
    logits: Value
    """[batch, tokens, vocabulary], or [batch, 1, vocabulary] if it gives those of the last token only."""
    mask: Input | None
    """[batch, tokens before and new ones]: 1 for a token, 0 for padding."""
    positions: Input | None
    """[batch, tokens] or [tokens]."""
    cache: tuple[CachePort, ...]
    grouped: bool = False
    """Whether attention is ONNX Runtime's GroupQueryAttention: it takes padding for a part of the text unless it is on
    the right, and with a cache several tokens of one sequence, or one token of several."""

    @property
    def batch(self) -> int | None:
        """How many sequences it takes; None for any number."""
        fixed = [_size(self.ids, 0), *(port.shape[port.batch] for port in self.cache)]
        return next((size for size in fixed if isinstance(size, int)), None)

    @property
    def step(self) -> int | None:
        """How many tokens it takes at once; None for any number."""
        return _size(self.ids, 1)

    @property
    def vocabulary(self) -> int | None:
        """How many tokens it knows, if that is known."""
        size = self.logits.shape[-1] if self.logits.shape else None
        return size if isinstance(size, int) else self.ids.high

    @property
    def longest(self) -> int | None:
        """How many positions it has a table for; None if it has none, or none that is known."""
        return None if self.positions is None else self.positions.high

    def dims(self, tokens: int) -> dict[str, int]:
        """A size for each named dimension when one token of one sequence follows so many tokens."""
        sizes: dict[str, int] = {}
        for port, known in ((self.ids, (1, 1)), (self.positions, (1, 1)), (self.mask, (1, tokens + 1))):
            _note(sizes, port, known)
        for port in self.cache:
            _note(sizes, port.past, [{port.batch: 1, port.time: tokens}.get(i, 0) for i in range(len(port.shape))])
        return sizes


class Signature(Protocol):
    """Inputs and outputs: those of a program, or of what can be read like one."""

    @property
    def inputs(self) -> Sequence[Input]: ...

    @property
    def outputs(self) -> Sequence[Value]: ...


def ports_of(program: Signature) -> Ports:
    """The ports of a program.

    Raises ProgramError if it is no language model (with what was expected and what is there), or its cache has a form
    that cannot be fed.
    """
    inputs, outputs = _by_role(program.inputs), {value.name: value for value in program.outputs}
    ids = inputs.pop(Role.IDS, None) or _only(program.inputs, INTEGERS, 2)
    pasts = {name: value for value in program.inputs if (name := cache_name(value.name)) is not None}
    presents = {name: value for value in program.outputs if (name := cache_name(value.name)) is not None}
    rest = [value for value in program.outputs if cache_name(value.name) is None]
    logits = outputs.get("logits") or next((value for value in rest if not _HIDDEN.search(value.name.lower())), None)
    if ids is None or logits is None or _rank(ids) != 2 or ids.dtype not in INTEGERS or not _is_logits(logits):
        raise _no_language_model(program, "token ids or logits are missing")
    mask, positions = inputs.get(Role.MASK), inputs.get(Role.POSITIONS)
    known = {ids, mask, positions, *pasts.values()}
    for value in program.inputs:
        if value not in known or not _is_role(value, mask, positions):
            raise _no_language_model(program, f"input {_shown(value)} is none of these, or one more")
    cache = _paired(pasts, presents, [value for value in rest if value is not logits])
    grouped = isinstance(program, Program) and any(_GROUPED in kernel.model for kernel in program.kernels)
    return Ports(ids, logits, mask, positions, tuple(_cache_port(*pair, ids) for pair in cache), grouped)


def _note(sizes: dict[str, int], port: Input | None, known: Sequence[int]) -> None:
    """Notes the sizes that the named dimensions of a port have; 0 for those that are not known."""
    shape = port.shape if port is not None and port.shape else ()
    for dim, size in zip(shape, known):
        if isinstance(dim, str) and size:
            sizes.setdefault(dim, size)


def _by_role(inputs: Iterable[Input]) -> dict[Role, Input]:
    roles: dict[Role, Input] = {}
    for value in inputs:
        role = role_of(value.name)
        if role is not None:
            roles.setdefault(role, value)
    return roles


def _only(inputs: Sequence[Input], types: Sequence[str], rank: int) -> Input | None:
    """The only input of these types and this rank that has no other role; None if there is not exactly one."""
    fitting = [
        value
        for value in inputs
        if value.dtype in types and _rank(value) == rank and role_of(value.name) is None and not cache_name(value.name)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _is_role(value: Input, mask: Input | None, positions: Input | None) -> bool:
    """Whether type and rank are those of the role that a name speaks of."""
    if value is mask:
        return value.dtype in MASKS and _rank(value) == 2
    return value is not positions or (value.dtype in INTEGERS and _rank(value) in (1, 2))


def _is_logits(value: Value) -> bool:
    return value.dtype in ("float32", "float16", "bfloat16", "float64") and _rank(value) in (0, 3)


def _rank(value: Value | None) -> int:
    """How many dimensions a value has; 0 where that is not known, or there is no value."""
    return len(value.shape or ()) if value is not None else 0


def _size(value: Value, dimension: int) -> int | None:
    size = value.shape[dimension] if value.shape else None
    return size if isinstance(size, int) else None


def _paired(
    pasts: dict[CacheName, Input], presents: dict[CacheName, Value], others: Sequence[Value]
) -> list[tuple[Input, Value]]:
    """Each past with its present: by layer and part, or in their order if no output has a name that says which."""
    if not presents and len(others) == len(pasts):
        return list(zip(pasts.values(), others, strict=True))
    for name, past in pasts.items():
        if name not in presents:
            raise ProgramError(
                f"input {one_line(past.name)} has no output to come from: expected one like "
                f"present.{name.layer}.{name.part}, found {_names(presents.values())}"
            )
    return [(pasts[name], presents[name]) for name in sorted(pasts)]


def _cache_port(past: Input, present: Value, ids: Input) -> CachePort:
    """Finds the dimensions of sequences and tokens: by their names, else as in [batch, heads, tokens, size]."""
    shape, after = past.shape or (), present.shape or ()
    rank = len(shape)
    sequences = ids.shape[0] if ids.shape else None
    batch = next((i for i, dim in enumerate(shape) if dim == sequences and isinstance(dim, str)), rank - 4)
    named = [i for i, dim in enumerate(shape) if isinstance(dim, str) and i != batch]
    time = named[0] if len(named) == 1 else rank - 2
    fits = rank in (4, 5) and len(after) in (0, rank) and past.dtype == present.dtype
    if not fits or isinstance(shape[time], int):
        raise ProgramError(
            f"input {_shown(past)} and output {_shown(present)}: the cache has a form that cannot be fed, expected "
            "[batch, heads, tokens, size] with any number of tokens, and in the output those of the new ones too"
        )
    sizes = [_known(shape[i], after[i] if after else None) if i not in (batch, time) else shape[i] for i in range(rank)]
    return CachePort(past, present, tuple(sizes), batch, time)


def _known(size: int | str | None, after: int | str | None) -> int | None:
    return next((known for known in (size, after) if isinstance(known, int)), None)


def with_size(ports: Ports, size: int) -> Ports:
    """The ports with `size` for all sizes of the cache that are not known."""
    cache = [
        replace(
            port,
            shape=tuple(
                size if dim is None and i not in (port.batch, port.time) else dim for i, dim in enumerate(port.shape)
            ),
        )
        for port in ports.cache
    ]
    return replace(ports, cache=tuple(cache))


def is_resolved(ports: Ports) -> bool:
    """Whether all sizes of the cache but those of batch and time are known."""
    return with_size(ports, 1) == ports


def _no_language_model(program: Signature, why: str) -> ProgramError:
    return ProgramError(
        f"no language model, {why}: expected inputs input_ids [batch, tokens] and, where there are, "
        "attention_mask, position_ids, past_key_values.N.key, past_key_values.N.value, outputs logits and present.N.*; "
        f"found inputs {_names(program.inputs)}; outputs {_names(program.outputs)}"
    )


def _names(values: Iterable[Value]) -> str:
    shown = [_shown(value) for value in values]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return (", ".join(shown[:SHOWN]) or "none") + more


def _shown(value: Value) -> str:
    shape = (
        "of any shape" if value.shape is None else f"[{', '.join('?' if d is None else str(d) for d in value.shape)}]"
    )
    return one_line(f"{value.name} {value.dtype} {shape}")
