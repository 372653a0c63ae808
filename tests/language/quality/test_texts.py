"""Texts as tokens: each byte of a text is spelled by one token, whatever the tokenizer makes of blanks and letters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.language.quality.texts import first_token, plain_ids, read_text
from cimc.language.tokens import load_tokens
from cimc.program.errors import ProgramError
from dialects.errors import UserError

Folder = Callable[..., Path]


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "text.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_bytes(tmp_path: Path) -> None:
    text = read_text(written(tmp_path, b"a\xff\0b"), load_tokens("bytes"))
    assert text.ids.tolist() == [97, 255, 0, 98]
    assert text.ids.dtype == np.int64
    assert text.ends.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("content", ["the cat sat on the mat", "  naïve   façade\n", "日本 🙂🙂 emoji", ""])
def test_tokens_of_a_folder(tokenizer_folder: Folder, tmp_path: Path, content: str) -> None:
    """The bytes of all tokens are those of the text, and what is between two ends is what the tokens there spell."""
    tokens = load_tokens(tokenizer_folder())
    text = read_text(written(tmp_path, content), tokens)
    assert text.ids.tolist() == plain_ids(content, tokens)
    assert len(text.ends) == len(text.ids)
    assert not len(text.ends) or text.ends[-1] == len(content.encode())
    assert (np.diff(text.ends) >= 0).all()
    if content.isascii():
        stream, end = tokens.stream(), 0
        for token, following in zip(text.ids, text.ends):
            assert content[end:following] == stream.step(int(token))
            end = following


def test_a_letter_of_several_tokens(tokenizer_folder: Folder, tmp_path: Path) -> None:
    """Its bytes are those of the first: no window may begin inside of it and count it again."""
    text = read_text(written(tmp_path, "a🙃b"), load_tokens(tokenizer_folder()))
    assert text.ends[0] == 1
    assert len(text.ids) > 3
    assert set(text.ends.tolist()[1:-1]) == {5}
    assert text.ends[-1] == 6


def test_blanks_that_are_no_part_of_a_token(tmp_path: Path) -> None:
    """They come before a token, so they are spelled with it; blanks at the end are spelled by none."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"<u>": 0, "cat": 1, "sat": 2}, unk_token="<u>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = read_text(written(tmp_path, "  cat é  sat \n"), load_tokens(tmp_path))
    assert text.ids.tolist() == [1, 0, 2]
    assert text.ends.tolist() == [5, 8, 13]


def test_special_tokens_spell_nothing(tokenizer_folder: Folder, tmp_path: Path) -> None:
    """A tokenizer that begins and ends each text with a token of its own does so here."""
    from tokenizers import Tokenizer, processors

    folder = tokenizer_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    text = read_text(written(tmp_path, "the cat"), load_tokens(folder))
    assert (text.ids[0], text.ids[-1]) == (0, 1)
    assert (text.ends[0], text.ends[-2], text.ends[-1]) == (0, 7, 7)
    assert plain_ids("the cat", load_tokens(folder)) == text.ids[1:-1].tolist()


def test_what_stands_before_a_text(tokenizer_folder: Folder) -> None:
    assert first_token(load_tokens("bytes")) == ord("\n")
    assert first_token(load_tokens(tokenizer_folder())) == 0, "<s>"
    assert first_token(load_tokens(tokenizer_folder(tokenizer_config_json={"eos_token": "</s>"}))) == 1
    assert first_token(load_tokens(tokenizer_folder(tokenizer_config_json={}))) == 0


def test_files_that_are_no_text(tokenizer_folder: Folder, tmp_path: Path) -> None:
    tokens = load_tokens(tokenizer_folder())
    with pytest.raises(ProgramError, match=r"text\.txt: not text: expected UTF-8, found byte 255 at 3$"):
        read_text(written(tmp_path, b"the\xff"), tokens)
    with pytest.raises(UserError, match=r"none\.txt: cannot be read: no such file or directory$"):
        read_text(tmp_path / "none.txt", tokens)
