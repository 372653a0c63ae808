"""From one bit of 32 columns in a word to one column in a word, and into the results."""

from numba import njit, uint32

from cimc.machine.fast.lanes import NARROW, Lanes, Words, load_like, narrow_splat, splat_like, store, width


@njit
def transpose(like: Lanes, numbers: Words, short: bool) -> None:
    """Bit i of vector b becomes bit b of vector i, for 32 vectors, in each lane; if `short`, the last 16 count as 0."""
    half, mask = 16, uint32(0xFFFF)
    if short:
        for i in range(16):
            both = load_like(like, numbers, i * width(like))
            store(numbers, (i + 16) * width(like), both >> splat_like(like, 16))
            store(numbers, i * width(like), both & splat_like(like, mask))
        half, mask = 8, uint32(0xFF00FF)
    while half:
        chosen, distance = splat_like(like, mask), splat_like(like, half)
        for start in range(0, 32, 2 * half):
            for i in range(start, start + half):
                low, high = (
                    load_like(like, numbers, i * width(like)),
                    load_like(like, numbers, (i + half) * width(like)),
                )
                different = ((low >> distance) ^ high) & chosen
                store(numbers, (i + half) * width(like), high ^ different)
                store(numbers, i * width(like), low ^ (different << distance))
        half >>= 1
        mask = uint32(mask ^ (mask << uint32(half)))


@njit
def add_weighted(
    like: Lanes, numbers: Words, factors: Words, words: int, first: int, last: int, columns: int, y: Words, n: int
) -> None:
    """Adds numbers [32, lanes], each times the factor of its lane, to y[n + column].

    Lane l is of word first + l (only words below `last` count), and a slice has `words` of them; column
    i * words + word is number i of a word.
    """
    step, lane, weights = width(like), 0, load_like(like, factors, 0)
    for place in range(0, 32 * step, step):
        store(numbers, place, load_like(like, numbers, place) * weights)
    if NARROW % words == 0:  # lanes beyond the last slice are worth nothing
        half = step // 2
        while half >= words:
            for place in range(0, 32 * step, step):
                store(numbers, place, load_like(like, numbers, place) + load_like(like, numbers, place + half))
            half //= 2
        last = min(last, first + words)
    while lane < step and first + lane < last:
        word = (first + lane) % words
        count = min(min(step - lane, words - word), NARROW)
        full = (columns - word - count) // words + 1 if count == NARROW and columns >= word + count else 0
        for i in range(full):
            _add_eight(numbers, i * step + lane, y, n + i * words + word)
        for i in range(full, (columns + words - 1) // words):
            for c in range(i * words + word, min(i * words + word + count, columns)):
                y[n + c] += numbers[i * step + lane + c - i * words - word]
        lane += count


@njit(forceinline=True)
def _add_eight(numbers: Words, position: int, y: Words, place: int) -> None:
    like = narrow_splat(uint32(0))
    store(y, place, load_like(like, y, place) + load_like(like, numbers, position))
