"""Text to tokens and back, piece by piece: bytes, or the tokenizer of a Hugging Face folder."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cimc.extras import need
from cimc.files.reasons import reason
from cimc.language.token_files import TokenFiles, read_token_files
from dialects.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.decoders import DecodeStream

_PANIC = "PanicException"
"""What the library raises where Rust gives up: it is no Exception, and has no name to import."""
BYTES = "bytes"
"""The name of the tokenizer whose tokens are the bytes of UTF-8."""


class TextStream(Protocol):
    """Turns tokens into text as they come; a character whose bytes are in several tokens comes with the last."""

    def step(self, token: int) -> str:
        """The text that is certain now, often nothing."""
        ...

    def end(self) -> str:
        """What is left: U+FFFD for a character that was never finished."""
        ...


class Tokens(Protocol):
    """A way to write text as numbers."""

    @property
    def size(self) -> int:
        """Tokens are below this number."""
        ...

    @property
    def stop(self) -> frozenset[int]:
        """Tokens that end a text."""
        ...

    @property
    def longest(self) -> int | None:
        """The most tokens that the network was made for, if the files say so."""
        ...

    @property
    def has_template(self) -> bool:
        """Whether there is a chat template."""
        ...

    def encode(self, text: str, *, chat: bool = False) -> list[int]:
        """The tokens of a text; with `chat` as what a user says, in the words around it that the model knows."""
        ...

    def stream(self, prompt: Sequence[int] = ()) -> TextStream:
        """A stream of what follows the prompt, of which it decides on blanks only."""
        ...


def load_tokens(name: str | Path) -> Tokens:
    """The tokenizer in a folder, that of a file tokenizer.json, or "bytes".

    Raises UserError, naming the file, if it is missing or damaged, or the library `tokenizers` is not installed.
    """
    if str(name) == BYTES:
        return ByteTokens()
    files = read_token_files(Path(name))
    need("text", f"{name}: reading it")
    from tokenizers import Tokenizer  # it takes 50 ms to import

    try:
        return FolderTokens(Tokenizer.from_str(files.tokenizer.read_text(encoding="utf-8")), files)
    except OSError as error:
        raise UserError(f"{files.tokenizer}: cannot be read: {reason(error)}") from error
    except UserError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        raise UserError(f"{files.tokenizer}: not a tokenizer that can be read: {error}") from error


class ByteTokens:
    """The bytes of UTF-8 as tokens, for networks without a vocabulary; nothing ends a text.

    Tokens from 256 on, where a network has such, have no text.
    """

    size = 256
    stop: frozenset[int] = frozenset()
    longest: int | None = None
    has_template = False

    def encode(self, text: str, *, chat: bool = False) -> list[int]:
        return list(_utf8(text))

    def stream(self, prompt: Sequence[int] = ()) -> TextStream:
        return _ByteStream()


class _ByteStream:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def step(self, token: int) -> str:
        return self.decoder.decode(bytes([token])) if token < ByteTokens.size else ""

    def end(self) -> str:
        return self.decoder.decode(b"", final=True)


class FolderTokens:
    """The tokenizer of a Hugging Face folder, with its special tokens and its chat template."""

    def __init__(self, tokenizer: "Tokenizer", files: TokenFiles) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer, self.files = tokenizer, files
        self.size = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
        names = (tokenizer.token_to_id(name) for name in files.stop_names)
        ends = {*files.stop_ids, *(token for token in names if token is not None)}
        self.stop = frozenset(token for token in ends if 0 <= token < self.size)
        self.longest = files.longest
        self.has_template = files.template is not None
        from cimc.language.chat import ChatTemplate

        self.template = None if files.template is None else ChatTemplate(files.template, files.special)

    def encode(self, text: str, *, chat: bool = False) -> list[int]:
        """As the protocol says; a chat template has its special tokens in it, so none are added."""
        _utf8(text)
        if chat and self.template is not None:
            return self.tokenizer.encode(self.template.render(text), add_special_tokens=False).ids
        return self.tokenizer.encode(text, add_special_tokens=True).ids

    def stream(self, prompt: Sequence[int] = ()) -> TextStream:
        return _TokenStream(self.tokenizer, prompt)


class _TokenStream:
    """A DecodeStream of the library, which holds tokens back until it knows their text."""

    def __init__(self, tokenizer: "Tokenizer", prompt: Sequence[int]) -> None:
        self.tokenizer = tokenizer
        self.stream = _decode_stream(prompt)
        self.held: list[int] = []

    def step(self, token: int) -> str:
        """Where a token changes text that was given out already, the stream begins anew with it: that text stays."""
        self.held.append(token)
        try:
            text = self.stream.step(self.tokenizer, token)
        except Exception:  # the library raises Exception itself
            self.stream, self.held = _decode_stream(()), [token]
            text = self.stream.step(self.tokenizer, token)
        if text is None:
            return ""
        self.held.clear()
        return text

    def end(self) -> str:
        return self.tokenizer.decode(self.held, skip_special_tokens=True) if self.held else ""


def _decode_stream(prompt: Sequence[int]) -> "DecodeStream":
    from tokenizers.decoders import DecodeStream

    return DecodeStream(ids=list(prompt), skip_special_tokens=True)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UserError("the prompt is not text: expected UTF-8") from error
