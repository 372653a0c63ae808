"""Text to tokens and back."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from cimc.language.tokens import Tokens, load_tokens
from dialects.errors import UserError

Folder = Callable[..., Path]
SENTENCES = ["the cat sat", " le café était fermé, voilà", "日本語のテキスト🙂", "a\nb\t c", "naïve façade 🙂"]


def streamed(tokens: Tokens, ids: Iterable[int], prompt: Iterable[int] = ()) -> list[str]:
    stream = tokens.stream(list(prompt))
    return [*(stream.step(token) for token in ids), stream.end()]


@pytest.mark.parametrize("text", SENTENCES)
def test_bytes(text: str) -> None:
    tokens = load_tokens("bytes")
    ids = tokens.encode(text, chat=True)
    assert ids == list(text.encode())
    assert "".join(streamed(tokens, ids)) == text
    assert (tokens.size, tokens.stop, tokens.longest, tokens.has_template) == (256, frozenset(), None, False)


def test_bytes_that_are_no_text() -> None:
    tokens = load_tokens("bytes")
    assert streamed(tokens, [0x61, 0xF0, 0x9F]) == ["a", "", "", "\ufffd"]
    assert streamed(tokens, [0x61, 256, 300, 0x62]) == ["a", "", "", "b", ""]
    assert "".join(streamed(tokens, [0xC3, 0x61, 0xFF])) == "\ufffda\ufffd"


@pytest.mark.parametrize("text", SENTENCES)
def test_tokenizer_of_a_folder(tokenizer_folder: Folder, text: str) -> None:
    """Characters whose bytes are in several tokens come whole."""
    tokens = load_tokens(tokenizer_folder())
    ids = tokens.encode(text)
    pieces = streamed(tokens, ids)
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)
    assert len(ids) < len(text.encode())


def test_a_character_that_is_never_finished(tokenizer_folder: Folder) -> None:
    tokens = load_tokens(tokenizer_folder())
    ids = tokens.encode("🚀")
    assert len(ids) > 1
    assert streamed(tokens, ids[:-1])[-1] == "\ufffd"


def test_blanks_between_prompt_and_answer(tmp_path: Path) -> None:
    """Tokenizers whose words begin with a blank drop the first one of a text, not that of an answer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {"<unk>": 0, "▁the": 1, "▁cat": 2, "s": 3}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = load_tokens(tmp_path)
    assert tokens.encode("the cat") == [1, 2]
    assert streamed(tokens, [2, 3], prompt=[1]) == [" cat", "s", ""]
    assert streamed(tokens, [1, 2]) == ["the", " cat", ""]


def test_a_token_that_changes_the_text_before_it(tmp_path: Path) -> None:
    """What was shown cannot be taken back: it stays, and the text goes on."""
    from tokenizers import Tokenizer, decoders, models

    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1, "c": 2}, unk_token="a"))
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Replace("ab", "xy")])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert streamed(load_tokens(tmp_path), [2, 0, 1, 2]) == ["c", "a", "b", "c", ""]


def test_ends_that_are_no_tokens(tokenizer_folder: Folder) -> None:
    tokens = load_tokens(tokenizer_folder(config_json={"eos_token_id": [-1, 5, 300, 2**80]}))
    assert tokens.stop == {1, 5}


def test_special_tokens(tokenizer_folder: Folder) -> None:
    """They end a text, and are never shown."""
    folder = tokenizer_folder(
        generation_config_json={"eos_token_id": [7, 9]}, config_json={"eos_token_id": 11, "n_positions": 40}
    )
    tokens = load_tokens(folder)
    assert tokens.stop == {7, 9, 11, 1}
    assert (tokens.size, tokens.longest) == (300, 40)
    ids = tokens.encode("the end")
    assert "".join(streamed(tokens, [0, *ids, 1])) == "the end"


def test_chat(tokenizer_folder: Folder) -> None:
    template = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]"
    tokens = load_tokens(tokenizer_folder(chat_template_jinja=template))
    assert tokens.has_template
    assert tokens.encode("the cat", chat=True) == [0, *tokens.encode("[user] the cat\n[assistant]")]
    assert tokens.encode("the cat") == load_tokens(tokenizer_folder()).encode("the cat")


def test_a_tokenizer_that_truncates_and_pads(tokenizer_folder: Folder) -> None:
    """As training left it; prompts are neither cut nor filled up."""
    from tokenizers import Tokenizer

    folder = tokenizer_folder()
    whole = load_tokens(folder).encode("the cat sat on the mat")
    file = folder / "tokenizer.json"
    truncation = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    padding: dict[str, object] = {"strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": None}
    padding |= {"pad_id": 0, "pad_type_id": 0, "pad_token": "<s>"}
    file.write_text(json.dumps({**json.loads(file.read_text()), "truncation": truncation, "padding": padding}))
    assert len(Tokenizer.from_file(str(file)).encode("the cat sat on the mat").ids) == 50
    assert load_tokens(file).encode("the cat sat on the mat") == whole


def test_damaged_tokenizers(tokenizer_folder: Folder) -> None:
    folder = tokenizer_folder()
    panic = '{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 5}, "merges": ["a b"]}}'
    for content in ("nothing", '{"version": "1.0"}', '{"model": 3}', panic):
        (folder / "tokenizer.json").write_text(content)
        with pytest.raises(UserError) as error:
            load_tokens(folder)
        assert str(error.value).startswith(f"{folder}/tokenizer.json: not a tokenizer that can be read: ")


def test_the_library_is_missing(tokenizer_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tokenizer_folder()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UserError) as error:
        load_tokens(folder)
    assert str(error.value) == (
        f"{folder}: reading it needs the library tokenizers, which is not installed: "
        "it comes with cimc's extra text, as in pip install 'cimc[text]', or pip install '.[text]' in a clone"
    )


@pytest.mark.parametrize("name", ["bytes", "folder"])
def test_a_prompt_that_is_no_text(tokenizer_folder: Folder, name: str) -> None:
    tokens = load_tokens(name if name == "bytes" else tokenizer_folder())
    with pytest.raises(UserError, match=r"^the prompt is not text: expected UTF-8$"):
        tokens.encode("caf\udce9")
