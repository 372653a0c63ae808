"""Long texts show their beginning."""

from cimc.api.text import SHOWN, Text


def test_what_is_shown() -> None:
    text = Text("one\ntwo")
    assert (repr(text), str(text), text + "\nthree") == ("one\ntwo", "one\ntwo", "one\ntwo\nthree")
    long = Text("\n".join(map(str, range(SHOWN + 1234))))
    assert repr(long).splitlines()[-2:] == [str(SHOWN - 1), "... and 1,234 more lines: print() shows all"]
    assert len(str(long).splitlines()) == SHOWN + 1234
