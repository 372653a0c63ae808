"""The part of cloudpickle 3 that tests use."""

from types import ModuleType

def register_pickle_by_value(module: ModuleType) -> None: ...
