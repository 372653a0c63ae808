from collections.abc import Iterable

class ForkServerRunner:
    def run_clean_tests(self, tests: Iterable[str]) -> int: ...
