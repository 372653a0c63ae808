"""Texts to evaluate on: their tokens, and the bytes that each of them spells."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimc.files.reasons import reason
from cimc.language.quality.evaluation import Text
from cimc.language.tokens import ByteTokens, FolderTokens, Tokens
from cimc.program.errors import ProgramError, naming
from dialects.errors import UserError


def read_text(file: Path, tokens: Tokens) -> Text:
    """The text of a file, with the special tokens that its tokenizer adds to any; all bytes of a file are tokens, too.

    Raises UserError, naming the file, if it cannot be read; ProgramError if its tokenizer takes UTF-8, and the file
    holds none.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
    with naming(file):
        return text_of(content, tokens)


def text_of(content: str | bytes, tokens: Tokens) -> Text:
    """A text, with the special tokens that its tokenizer adds to any; ProgramError for bytes that have to be UTF-8."""
    if isinstance(tokens, ByteTokens):
        return text_of_bytes(bytes(tokens.encode(content)) if isinstance(content, str) else content)
    try:
        text = content if isinstance(content, str) else content.decode()
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]} at {error.start}"
        raise ProgramError(f"not text: expected UTF-8, found {found}") from error
    assert isinstance(tokens, FolderTokens), "there is no other"
    encoding = tokens.tokenizer.encode(text, add_special_tokens=True)
    return Text(np.array(encoding.ids, np.int64), _ends(text, [end for _, end in encoding.offsets]))


def text_of_bytes(content: bytes) -> Text:
    """A text whose tokens are its bytes."""
    return Text(np.frombuffer(content, np.uint8).astype(np.int64), np.arange(1, len(content) + 1))


def plain_ids(text: str, tokens: Tokens) -> list[int]:
    """The tokens of a piece of text, without special ones before or after it."""
    if isinstance(tokens, FolderTokens):
        return tokens.tokenizer.encode(text, add_special_tokens=False).ids
    return tokens.encode(text)


def first_token(tokens: Tokens) -> int:
    """What stands before a text that has nothing before it: the token that begins texts, or one that ends them."""
    if isinstance(tokens, FolderTokens):
        token = tokens.tokenizer.token_to_id(tokens.files.special.get("bos_token", ""))
        return token if token is not None else min(tokens.stop, default=0)
    return ord("\n")


def _ends(text: str, ends: list[int]) -> NDArray[np.int64]:
    """Bytes up to the end of each token, from its last character.

    A tokenizer may count blanks to no token, or give a character to all tokens that have a byte of it: whatever is
    spelled first by a token, with what comes before, is that token's.
    """
    letters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    sizes = 1 + (letters >= 0x80).astype(np.int64) + (letters >= 0x800) + (letters >= 0x10000)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return np.maximum.accumulate(before[np.array(ends, np.int64)])
