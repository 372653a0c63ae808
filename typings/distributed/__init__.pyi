"""The part of distributed 2026.8 that cimc uses (its own types leave futures and clusters open)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")

class KilledWorker(Exception): ...

class Future(Generic[_T_co]):
    key: str
    status: str
    def cancelled(self) -> bool: ...
    def exception(self) -> BaseException | None: ...
    def result(self) -> _T_co: ...

class LocalCluster:
    scheduler_address: str
    def __init__(
        self,
        *,
        n_workers: int,
        threads_per_worker: int,
        processes: bool,
        host: str = ...,
        dashboard_address: str,
        memory_limit: int | str | None = ...,
        silence_logs: int = ...,
        scheduler_kwargs: Mapping[str, int] = ...,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class Client:
    def __init__(self, address: str | LocalCluster, timeout: str = ...) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def wait_for_workers(self, n_workers: int, timeout: float | str) -> None: ...
    def submit(self, function: Callable[..., _T], *arguments: Any, pure: bool) -> Future[_T]: ...

class as_completed(Generic[_T]):
    def __init__(self, futures: Iterable[Future[_T]]) -> None: ...
    def __iter__(self) -> Iterator[Future[_T]]: ...
    def update(self, futures: Iterable[Future[_T]]) -> None: ...
