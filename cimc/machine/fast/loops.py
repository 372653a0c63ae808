"""Compiled loops as machine code that is loaded without numba, and called with one address.

numba compiles a loop when it is needed first, in whatever process that is, and the machine code is kept on disk
(loop_files.py). To import numba and to make it ready takes half a second of CPU, LLVM's own loader some hundredths.
"""

import ctypes
from collections.abc import Sequence
from importlib import import_module
from threading import Lock
from typing import Any, TypeAlias

from llvmlite import binding
from numpy.typing import NDArray

from cimc.machine.fast.compilation import say_compiling
from cimc.machine.fast.loop_files import keep_code, kept_code

Argument: TypeAlias = NDArray[Any] | int
ENTRY = "cimc_loop"
"""The name of the function that takes the address of a block: its arguments, and behind them room for the result."""
_Entry = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


class Loop:
    """The function `name` of a module, which numba has not been told of, as a compiled loop.

    It takes integers (of 64 bits) and contiguous arrays, allocates no memory and raises nothing, so that its code needs
    nothing of numba's. It is called without Python's lock.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name
        self._entries: dict[str, Any] = {}
        self._engines: list[binding.ExecutionEngine] = []
        self._lock = Lock()

    def __call__(self, *arguments: Argument) -> int:
        """Runs the loop; what it returns, or 0."""
        return self.prepared(*arguments)()

    def prepared(self, *arguments: Argument) -> "Call":
        """A call that can be made many times, by one thread at a time."""
        return Call(self._entry(arguments), arguments)

    def _entry(self, arguments: Sequence[Argument]) -> Any:
        """The function for arguments of these types."""
        types = ", ".join(map(_type_of, arguments))
        with self._lock:
            if types not in self._entries:
                self._entries[types] = self._load(types, arguments)
            return self._entries[types]

    def _load(self, types: str, arguments: Sequence[Argument]) -> Any:
        code = kept_code(self.name, f"{self.module}.{self.name}({types})")
        if code is None:
            from cimc.machine.fast.loop_compiler import compiled  # imports numba

            say_compiling(True)
            try:
                code, is_alone = compiled(getattr(import_module(self.module), self.name), arguments)
            finally:
                say_compiling(False)
            if is_alone:
                keep_code(self.name, f"{self.module}.{self.name}({types})", code)
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target_machine())
        engine.add_object_file(binding.ObjectFileRef.from_data(code))
        engine.finalize_object()
        self._engines.append(engine)  # the code lives as long as it
        return _Entry(engine.get_function_address(ENTRY))


class Call:
    """A call of a loop with arrays that stay where they are; what is in them may change."""

    def __init__(self, entry: Any, arguments: Sequence[Argument]) -> None:
        words = [_words_of(argument) for argument in arguments]
        flat = [word for own in words for word in own]
        self._arguments = list(arguments)  # they must live as long as their addresses
        self._block = (ctypes.c_int64 * (len(flat) + 1))(*flat)
        self._entry, self._address = entry, ctypes.addressof(self._block)

    def __call__(self) -> int:
        status = self._entry(self._address)
        assert not status, f"a compiled loop ended with {status}"
        return self._block[-1]


def _type_of(argument: Argument) -> str:
    if isinstance(argument, int):
        return "int64"
    assert argument.flags.c_contiguous
    fields = argument.dtype.descr if argument.dtype.names else argument.dtype.str
    return f"{fields}[{argument.ndim}]"


def _words_of(argument: Argument) -> list[int]:
    """The arguments of 64 bits that numba makes of one: of an array nobody's memory, its sizes and its elements."""
    if isinstance(argument, int):
        return [int(argument)]
    address: int = argument.__array_interface__["data"][0]
    return [0, 0, argument.size, argument.itemsize, address, *argument.shape, *argument.strides]


def target_machine() -> binding.TargetMachine:
    """For this processor as it is; an engine that is given one takes it for its own."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features().flatten()
    return binding.Target.from_default_triple().create_target_machine(
        binding.get_host_cpu_name(), features, opt=3, reloc="default", codemodel="jitdefault"
    )
