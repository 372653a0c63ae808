"""Dask for sweeps: workers of our own on this machine, or a cluster that is there already."""

import contextlib
import logging
import signal
import threading
from collections.abc import Generator

from distributed import Client, LocalCluster

from dialects.errors import UserError

LOOPBACK = "127.0.0.1"
PATIENCE = "20s"
"""How long to wait for a scheduler to answer, and for its first worker."""


@contextlib.contextmanager
def local_client(workers: int) -> Generator[Client]:
    """A client of `workers` processes on this machine, which end with it, also when it is killed.

    They listen on the loopback interface only, at ports that are free, and there is no dashboard: sweeps side by side
    do not meet. (Even without one, Dask's scheduler has an HTTP server, usually at one and the same port.) Their memory
    is not limited: the networks are mapped files, which Dask would count once for every worker.
    """
    with _silent(), _interrupts_ignored():
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            memory_limit=None,
            scheduler_kwargs={"allowed_failures": 0, "dashboard": False},
            silence_logs=logging.CRITICAL,
        )
    with _silent(), cluster, Client(cluster) as client:
        yield client


@contextlib.contextmanager
def _interrupts_ignored() -> Generator[None]:
    """Processes that start here never notice a Ctrl-C, of which each would print a traceback: they are told to end.

    Only the main thread may say so; from another one, they print.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def remote_client(address: str) -> Generator[Client]:
    """A client of the scheduler at `address`, `tcp://host:8786`; UserError if there is none, or it has no workers."""
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise UserError(f"--scheduler {address}: no Dask scheduler answers there ({error})") from error
    with _silent(), client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise UserError(f"--scheduler {address}: it has no workers: start some with `dask worker`") from error
        yield client


@contextlib.contextmanager
def _silent() -> Generator[None]:
    """No log of Dask's: what a user can do something about is an error of ours, in one line."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
