"""Text of a network on a terminal."""

from cimc.language.shown_text import Page, shown_text


def test_text_stays_as_it_is() -> None:
    for text in (
        "two\nlines\tand a tab",
        "日本語\u3000のテキスト",
        "👩\u200d🚀 ☂\ufe0f",
        "naïve\u00a0façade",
        "\ufffd",
    ):
        assert shown_text(text) == text


def test_what_a_terminal_would_obey() -> None:
    assert shown_text("\x1b[31mred\x07\r\n") == "\\x1b[31mred\\x07\\r\n"
    assert shown_text("\x9b2J\u202eback\udc80") == "\\x9b2J\\u202eback\\udc80"


def test_a_page_ends_with_a_line_break() -> None:
    for pieces, expected in (
        (["a", "", "b"], ["a", "b", "\n"]),
        (["a\n"], ["a\n"]),
        ([""], []),
        (["a", "\n", ""], ["a", "\n"]),
    ):
        written: list[str] = []
        page = Page(written.append)
        for piece in pieces:
            page.add(piece)
        page.end()
        page.end()
        assert written == expected
