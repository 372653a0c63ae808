"""The part of numba 0.68 that cimc uses: compiled functions keep the type they have in Python."""

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from . import types as types

_P = ParamSpec("_P")
_R = TypeVar("_R")

__version__: str

class _Stats(Protocol):
    """Where the machine code of a function with `cache=True` is kept."""

    @property
    def cache_path(self) -> str: ...

class _Dispatcher(Protocol[_P, _R]):
    """What `njit` returns: the function, and its plain Python form as `py_func`."""

    @property
    def py_func(self) -> Callable[_P, _R]: ...
    @property
    def stats(self) -> _Stats: ...
    @property
    def signatures(self) -> list[tuple[Any, ...]]: ...
    @property
    def overloads(self) -> dict[tuple[Any, ...], Any]: ...
    def compile(self, signature: tuple[Any, ...]) -> object: ...
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...

@overload
def njit(function: Callable[_P, _R], /) -> _Dispatcher[_P, _R]: ...
@overload
def njit(
    *,
    cache: bool = ...,
    nogil: bool = ...,
    forceinline: bool = ...,
    error_model: str = ...,
    no_cpython_wrapper: bool = ...,
    no_cfunc_wrapper: bool = ...,
    _nrt: bool = ...,
) -> Callable[[Callable[_P, _R]], _Dispatcher[_P, _R]]: ...

def typeof(value: object) -> Any: ...

# Casts inside compiled code. To the type checker their results are ints and floats; the width is numba's affair.
def int64(value: float, /) -> int: ...
def uint32(value: float, /) -> int: ...
