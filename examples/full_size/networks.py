"""Makes GPT-2-medium, BERT-large and BART-large of random weights, dense or with Monarch factors, as ONNX files.

    python examples/full_size/networks.py gpt2 monarch dynamo gpt2.onnx --inputs gpt2.npz

Needs cimc[llm], and no network. `dynamo` is PyTorch's exporter of today (large weights lie beside the file),
`torchscript` the one of before. `--layers 2 --width 256 --vocabulary 512` makes a small one of the same form.
"""

import argparse
import logging
import math
import re
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)
from transformers.cache_utils import DynamicCache
from transformers.pytorch_utils import Conv1D

NETWORKS = ("gpt2", "bert", "bart")
FORMS = ("dense", "monarch")
EXPORTERS = ("dynamo", "torchscript")
LAYERS = {"gpt2": 24, "bert": 24, "bart": 12}
"""BART has as many in its encoder and in its decoder."""
WIDTH, HEAD = 1024, 64
BATCH, NEW, PAST = 2, 3, 5
"""Sizes while exporting; the files take any."""
KEPT_DENSE = ("lm_head", "pooler")


class Monarch(nn.Module):
    """Two factors of blocks with an order between them, in the form of HazyResearch's fly: a square of `side * side`,
    which vectors are padded to and cut from."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.width_in, self.width_out = width_in, width_out
        self.side = math.isqrt(max(width_in, width_out) - 1) + 1
        shape, scale = (self.side,) * 3, self.side**-0.5
        self.first = nn.Parameter(scale * torch.randn(shape))
        self.second = nn.Parameter(scale * torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(width_out))

    def forward(self, x: Tensor) -> Tensor:
        side, leading = self.side, x.shape[:-1]
        if self.width_in < side * side:
            x = nn.functional.pad(x, (0, side * side - self.width_in))
        y = torch.bmm(x.reshape(-1, side, side).transpose(0, 1), self.first.transpose(-1, -2)).transpose(0, 1)
        y = torch.bmm(y.transpose(-1, -2).transpose(0, 1), self.second.transpose(-1, -2)).permute(1, 2, 0)
        return y.reshape(*leading, side * side)[..., : self.width_out] + self.bias


class Together(nn.Module):
    """Query, key and value of GPT-2, which it computes as one product: three of Monarch form."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(Monarch(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self.parts], -1)


def to_monarch(model: nn.Module) -> None:
    """Put Monarch products in the place of all linear layers but the head and the pooler."""
    for name, part in list(model.named_modules()):
        if isinstance(part, Conv1D | nn.Linear) and not any(word in name for word in KEPT_DENSE):
            sizes = part.weight.shape if isinstance(part, Conv1D) else part.weight.shape[::-1]
            parent, _, child = name.rpartition(".")
            new = Together(sizes[0]) if child == "c_attn" else Monarch(*sizes)
            setattr(model.get_submodule(parent), child, new)


class Gpt2(nn.Module):
    """GPT-2 with the keys and values of earlier tokens as tensors."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor, *past: Tensor) -> list[Tensor]:
        cache = DynamicCache(config=self.model.config)
        for number in range(0, len(past), 2):
            cache.update(past[number], past[number + 1], number // 2)
        result = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
        )
        present = [tensor for layer in result.past_key_values.layers for tensor in (layer.keys, layer.values)]
        return [result.logits, *present]


class Bert(nn.Module):
    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor]:
        result = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return result.last_hidden_state, result.pooler_output


class Bart(nn.Module):
    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor) -> Tensor:
        result = self.model(
            input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=decoder_input_ids, use_cache=False
        )
        return result.logits


def made(network: str, form: str, attention: str, layers: int, width: int, vocabulary: int | None) -> nn.Module:
    """The network with random weights, the same ones each time; `attention` is eager or sdpa."""
    torch.manual_seed(0)
    heads, vocabularies = max(1, width // HEAD), {} if vocabulary is None else {"vocab_size": vocabulary}
    if network == "gpt2":
        config = GPT2Config(n_embd=width, n_layer=layers, n_head=heads, **vocabularies)
        model, ports = GPT2LMHeadModel, Gpt2
    elif network == "bert":
        config = BertConfig(
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=4 * width,
            **vocabularies,
        )
        model, ports = BertModel, Bert
    else:
        sides = {
            f"{side}_{name}": value
            for side in ("encoder", "decoder")
            for name, value in (("layers", layers), ("attention_heads", heads), ("ffn_dim", 4 * width))
        }
        config = BartConfig(d_model=width, **sides, **vocabularies)
        model, ports = BartForConditionalGeneration, Bart
    config._attn_implementation = attention
    whole = model(config).eval()
    if form == "monarch":
        to_monarch(whole)
    return ports(whole).eval()


def ports_of(network: str, config: object) -> tuple[dict[str, Tensor], dict[str, tuple[str, ...]], list[str]]:
    """Inputs by name, the names of their dimensions, and the names of outputs."""
    generator = torch.Generator().manual_seed(0)

    def ids(length: int) -> Tensor:
        return torch.randint(0, config.vocab_size, (BATCH, length), generator=generator)

    tokens, ones = ids(NEW), torch.ones(BATCH, NEW, dtype=torch.long)
    if network == "bert":
        inputs = {"input_ids": tokens, "attention_mask": ones, "token_type_ids": torch.zeros_like(tokens)}
        return inputs, dict.fromkeys(inputs, ("batch", "sequence")), ["last_hidden_state", "pooler_output"]
    if network == "bart":
        inputs = {"input_ids": tokens, "attention_mask": ones, "decoder_input_ids": ids(NEW + 1)}
        dims = dict.fromkeys(inputs, ("batch", "sequence")) | {"decoder_input_ids": ("batch", "target")}
        return inputs, dims, ["logits"]
    inputs = {
        "input_ids": tokens,
        "attention_mask": torch.ones(BATCH, PAST + NEW, dtype=torch.long),
        "position_ids": torch.arange(PAST, PAST + NEW)[None].repeat(BATCH, 1),
    }
    dims = dict.fromkeys(inputs, ("batch", "sequence")) | {"attention_mask": ("batch", "past + sequence")}
    parts = [f"{layer}.{part}" for layer in range(config.n_layer) for part in ("key", "value")]
    for part in parts:
        shape = (BATCH, config.n_head, PAST, config.n_embd // config.n_head)
        inputs[f"past_key_values.{part}"] = torch.randn(shape, generator=generator)
        dims[f"past_key_values.{part}"] = ("batch", "", "past", "")
    return inputs, dims, ["logits", *(f"present.{part}" for part in parts)]


def export(network: str, model: nn.Module, exporter: str, opset: int | None, file: Path) -> dict[str, Tensor]:
    """Write the network to a file; the inputs that it was traced with."""
    inputs, dims, outputs = ports_of(network, model.model.config)
    names = {"input_names": list(inputs), "output_names": outputs}
    axes = [{axis: dim for axis, dim in enumerate(dims[name]) if dim} for name in inputs]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "torchscript":
            axes_by_name = dict(zip(inputs, axes, strict=True))
            torch.onnx.export(
                model, tuple(inputs.values()), file, **names, dynamic_axes=axes_by_name, opset_version=opset or 17,
                dynamo=False,
            )  # fmt: skip
        else:
            shapes = [dict.fromkeys(axis, Dim.DYNAMIC) for axis in axes]
            nested = (*shapes[:3], tuple(shapes[3:])) if network == "gpt2" else tuple(shapes)
            torch.onnx.export(
                model, tuple(inputs.values()), file, **names, dynamic_shapes=nested, opset_version=opset or 20,
                dynamo=True, external_data=True, verbose=False,
            )  # fmt: skip
            name_dimensions(file, dims)
    return inputs


def name_dimensions(file: Path, dims: dict[str, tuple[str, ...]]) -> None:
    """Give dimensions the names that they have in `dims`, in the place of s10, s15 + s70 and the like."""
    model = onnx.load_model(file, load_external_data=False)
    names: dict[str, str] = {}
    for entry in model.graph.input:
        for dim, name in zip(entry.type.tensor_type.shape.dim, dims[entry.name], strict=True):
            names.setdefault(dim.dim_param, name)
    for entry in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in entry.type.tensor_type.shape.dim:
            if dim.HasField("dim_param"):
                dim.dim_param = re.sub(r"s\d+", lambda symbol: names.get(symbol[0], symbol[0]), dim.dim_param)
    file.write_bytes(model.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("exporter", choices=EXPORTERS)
    parser.add_argument("file", type=Path, help="the .onnx file to write")
    parser.add_argument("--inputs", type=Path, metavar="X.npz", help="also write inputs of one run")
    parser.add_argument("--opset", type=int, help="default: 20 (dynamo), 17 (torchscript)")
    parser.add_argument("--attention", choices=("eager", "sdpa"), default="sdpa")
    parser.add_argument("--layers", type=int, help="default: 24; 12 + 12 for bart")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--vocabulary", type=int)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    layers = given.layers or LAYERS[given.network]
    model = made(given.network, given.form, given.attention, layers, given.width, given.vocabulary)
    inputs = export(given.network, model, given.exporter, given.opset, given.file)
    if given.inputs is not None:
        np.savez(given.inputs, **{name: tensor.numpy() for name, tensor in inputs.items()})


if __name__ == "__main__":
    main()
