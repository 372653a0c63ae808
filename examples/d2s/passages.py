"""Make passages.npz: token ids of Python's own documentation, in the vocabulary of BERT (uncased).

python passages.py tokenizer.json        a tokenizer file of any BERT without capital letters; needs `tokenizers`
"""

import argparse
import pydoc_data.topics
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

LENGTH = 64
"""Tokens of a passage, the first being [CLS] and the last [SEP]; nothing is filled up."""


def main() -> None:
    """Tokenise all topics one after the other, cut, shuffle, write."""
    parser = argparse.ArgumentParser(description="make passages.npz")
    parser.add_argument("tokenizer", type=Path)
    tokenizer = Tokenizer.from_file(str(parser.parse_args().tokenizer))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    text = "\n\n".join(topic for _, topic in sorted(pydoc_data.topics.topics.items()))
    ids = np.array(tokenizer.encode(text, add_special_tokens=False).ids)
    inner = ids[: len(ids) // (LENGTH - 2) * (LENGTH - 2)].reshape(-1, LENGTH - 2)
    first, last = (np.full((len(inner), 1), tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]"))
    passages = np.random.default_rng(0).permutation(np.hstack([first, inner, last]))
    file = Path(__file__).parent / "passages.npz"
    np.savez_compressed(file, input_ids=passages, attention_mask=np.ones_like(passages))
    print(f"{len(passages)} passages of {LENGTH} tokens")


if __name__ == "__main__":
    main()
