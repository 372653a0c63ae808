"""Run by bench_machine.py on its own, so that OpenBLAS chooses its kernel freely: numpy float32 products.

Takes JSON [[vectors, rows, columns, times], ...] and prints JSON {"kernel": ..., "seconds": [...]}: for each entry
the median time of `times` products with different weights, one after the other, on one thread.
"""

import json
import statistics
import sys
import time

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

ROUNDS = 9


def measure(vectors: int, rows: int, columns: int, times: int) -> float:
    """Seconds for all the products together."""
    generator = np.random.default_rng(0)
    x = generator.random((vectors, rows), np.float32)
    weights = generator.random((times, rows, columns), np.float32)
    found: list[float] = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        for weight in weights:
            np.dot(x, weight)
        found.append(time.thread_time() - start)
    return statistics.median(found)


def main() -> None:
    """The command."""
    with threadpool_limits(1):
        seconds = [measure(*entry) for entry in json.loads(sys.argv[1])]
        kernels = [str(library.get("architecture")) for library in threadpool_info()]
    print(json.dumps({"kernel": ", ".join(kernels), "seconds": seconds}))


if __name__ == "__main__":
    main()
