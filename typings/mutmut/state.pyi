class MutmutState:
    duration_by_test: dict[str, float]

def state() -> MutmutState: ...
