"""Compiles a loop with numba to machine code that needs neither numba nor Python."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import binding
from numba import njit, typeof, types

from cimc.machine.fast.loops import ENTRY, Argument, target_machine

_HELPERS = frozenset({"memcpy", "memmove", "memset"})
"""What machine code may need besides: every process has it."""


def compiled(loop: Callable[..., object], arguments: Sequence[Argument]) -> tuple[bytes, bool]:
    """The machine code of a loop for arguments of these types, and whether it needs nothing else.

    It does not, unless numba compiled a part of it before, for other uses.
    """
    code = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", _nrt=False)(loop)
    signature = tuple(map(_numba_type, arguments))
    code.compile(signature)
    made = code.overloads[signature]
    module = binding.parse_assembly(made.library.get_llvm_str())
    needed = [function.name for function in module.functions if function.is_declaration]
    entry = _entry(module.get_function(made.fndesc.llvm_func_name))
    module = binding.parse_assembly(f"{module}\n{entry}")
    module.verify()
    is_alone = all(name.startswith("llvm.") or name in _HELPERS for name in needed)
    return target_machine().emit_object(module), is_alone


def _numba_type(argument: Argument) -> Any:
    """Arrays that must not be written to have the same type: loops know what they write to."""
    if isinstance(argument, int):
        return types.int64
    type_: Any = typeof(argument)
    return type_.copy(readonly=False)


def _entry(function: binding.ValueRef) -> str:
    """A function that calls another of numba's kind, whose first two arguments are for its result and its error."""
    parameters = [str(parameter.type) for parameter in function.arguments][2:]
    lines = [f"define i32 @{ENTRY}(ptr %block) {{", "  %error = alloca ptr"]
    given = ["ptr %result", "ptr %error"]
    for i, type_ in enumerate(parameters):
        lines += [f"  %p{i} = getelementptr i64, ptr %block, i64 {i}", f"  %w{i} = load i64, ptr %p{i}"]
        cast = "inttoptr" if type_ == "ptr" else "add"
        lines.append(f"  %a{i} = {cast} i64 %w{i}" + (" to ptr" if type_ == "ptr" else ", 0"))
        assert type_ in ("ptr", "i64"), f"a loop takes a {type_}"
        given.append(f"{type_} %a{i}")
    lines.append(f"  %result = getelementptr i64, ptr %block, i64 {len(parameters)}")
    lines.append(f'  %status = call i32 @"{function.name}"({", ".join(given)})')
    return "\n".join([*lines, "  ret i32 %status", "}"])
