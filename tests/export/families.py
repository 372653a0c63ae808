"""Small checkpoints of many families in the folder that is named, and what torch computes with each; then the worker.

Tests run it in a process of its own, since torch is large and its libraries warn of many things. It stays to export
what it made: to load torch once more takes seconds.
"""

import copy
import json
import shutil
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cimc.export.worker import main as export_as_told

transformers: Any = import_module("transformers")
torch: Any = import_module("torch")

SIZES = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
USUAL = SIZES | {"intermediate_size": 48, "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2}
GROUPED = USUAL | {"num_key_value_heads": 2}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
DECODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", GROUPED | {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3Moe", GROUPED | {"head_dim": 16} | EXPERTS),
    "mistral": ("Mistral", GROUPED | {"sliding_window": 6}),
    "opt": ("OPT", USUAL | {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    "gpt2": (
        "GPT2",
        {"vocab_size": 96, "n_embd": 32, "n_layer": 1, "n_head": 4, "bos_token_id": 1, "eos_token_id": 2},
    ),
}
BART = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
ENCODERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertModel", "BertConfig", USUAL),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", USUAL | {"type_vocab_size": 1}),
    "t5": (
        "T5ForConditionalGeneration",
        "T5Config",
        {"vocab_size": 96, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 1, "num_heads": 4},
    ),
    "bart": (
        "BartForConditionalGeneration",
        "BartConfig",
        BART | {"vocab_size": 96, "d_model": 32, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48},
    ),
}
CLASSES = {"OPT": "OPTForCausalLM", "GPT2": "GPT2LMHeadModel"}


SHARDED = "mistral"
"""The family whose weights have 16 bits and are in several files."""


def main(folder: Path, changes: Mapping[str, dict[str, Any]]) -> None:
    """Write folders and files by the names of families, and others with changes to the configuration of Llama."""
    torch.manual_seed(0)
    for name, (family, sizes) in DECODERS.items():
        model = _model(CLASSES.get(family, f"{family}ForCausalLM"), f"{family}Config", sizes)
        _save(folder / name, model, model, *_tokens(13, padded_left=True))
    for name, (network, config, sizes) in ENCODERS.items():
        model = _model(network, config, sizes)
        encoder = model.get_encoder() if model.config.is_encoder_decoder else model
        _save(folder / name, model, encoder, *_tokens(7, padded_left=False))
    for name, change in changes.items():
        shutil.copytree(folder / "llama", folder / name)
        config = json.loads((folder / "llama/config.json").read_text()) | change
        (folder / name / "config.json").write_text(json.dumps(config))
    _program(folder / "program.pt2")


def _model(network: str, config: str, sizes: dict[str, Any]) -> Any:
    model = getattr(transformers, network)(getattr(transformers, config)(**sizes)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # many families begin with biases of 0 and scales of 1, which hide mistakes
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def _tokens(length: int, padded_left: bool) -> tuple[Any, Any]:
    ids, mask = torch.randint(3, 96, (2, length)), torch.ones(2, length, dtype=torch.long)
    mask[0, slice(0, 2) if padded_left else slice(length - 2, length)] = 0
    return ids, mask


def _save(folder: Path, model: Any, called: Any, ids: Any, mask: Any) -> None:
    """Save a model, and what `called` gives for these tokens."""
    if folder.name == SHARDED:
        half = copy.deepcopy(model).to(torch.bfloat16)
        half.save_pretrained(folder, max_shard_size="10KB")
        model.load_state_dict(half.state_dict())  # buffers of the network itself stay as they are
    else:
        model.save_pretrained(folder)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    given = {"input_ids": ids, "attention_mask": mask}
    with torch.no_grad():
        decodes = folder.name in DECODERS
        outputs = called(**given, **({"position_ids": positions, "use_cache": False} if decodes else {}))
    arrays = given | {"position_ids": positions} | {f"output.{name}": value for name, value in outputs.items()}
    np.savez(folder.with_suffix(".npz"), **{name: value.numpy() for name, value in arrays.items()})


def _program(file: Path) -> None:
    """A program of torch.export, with a dimension that is symbolic."""
    network = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 8))
    given = torch.randn(3, 16)
    shapes = ({0: torch.export.Dim("rows")},)
    torch.export.save(torch.export.export(network, (given,), dynamic_shapes=shapes), file)
    np.savez(file.with_suffix(".npz"), input=given.numpy(), output=network(given).detach().numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
    export_as_told()
