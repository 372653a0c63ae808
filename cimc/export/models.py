"""The model of a checkpoint in torch: its class, its weights, and inputs to trace it with."""

import inspect
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim

from cimc.export.names import dimension_names

transformers: Any = import_module("transformers")  # its types are known in part only
_FAMILIES: Any = import_module("transformers.models.auto.modeling_auto")
GENERATING: Mapping[str, str] = _FAMILIES.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
ENCODERS: Mapping[str, str] = _FAMILIES.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES
MASKED: Mapping[str, str] = _FAMILIES.MODEL_FOR_MASKED_LM_MAPPING_NAMES
HEADLESS: Mapping[str, str] = _FAMILIES.MODEL_MAPPING_NAMES

BATCH, SEQUENCE, PAST = 2, 3, 5
"""Sizes to trace with, none of which a tracer takes for fixed."""


class Unfit(Exception):
    """A checkpoint that is not exported; the text says why, and what was expected."""


def load(folder: Path, dtype: str, attention: str = "eager") -> tuple[Any, bool]:
    """The network of a folder, its weights being of type `dtype`, and whether it has a cache of keys and values.

    Of an encoder with a decoder, it is the encoder. `attention` is the implementation that is traced. No code of the
    folder is run. Raises Unfit.
    """
    config = _config(folder)
    loader, has_cache = _loader(config)
    model, told = loader.from_pretrained(
        folder,
        dtype=getattr(torch, dtype),
        attn_implementation=attention,
        trust_remote_code=False,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
    )
    missing = sorted(told["missing_keys"])
    if missing:
        raise Unfit(f"its weights lack {len(missing)} of those of {type(model).__name__}, {missing[0]} first")
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
        _check_input(type(model))
    return model.eval(), has_cache


def _config(folder: Path) -> Any:
    written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if written["model_type"] not in transformers.CONFIG_MAPPING:
        raise Unfit(
            f"its model_type {written['model_type']} is unknown to transformers, and code of its own is never run"
        )
    return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def _loader(config: Any) -> tuple[Any, bool]:
    """The class that loads a checkpoint, and whether it has a cache."""
    architecture = (config.architectures or [None])[0]
    generating = GENERATING.get(config.model_type)
    if config.is_encoder_decoder:
        encoder = ENCODERS.get(config.model_type)
        return getattr(transformers, encoder or "AutoModel"), False
    if architecture is None:
        return getattr(transformers, generating or "AutoModel"), generating is not None
    network = getattr(transformers, architecture, None)
    if network is None:
        version = transformers.__version__
        raise Unfit(
            f"its architecture {architecture} is unknown to transformers {version}: expected one of its classes"
        )
    _check_input(network)
    is_decoder = generating is not None and config.model_type not in MASKED
    headless = architecture == HEADLESS.get(config.model_type)
    return network, is_decoder and (architecture == generating or headless)


def _check_input(network: Any) -> None:
    if network.main_input_name != "input_ids":
        raise Unfit(f"{network.__name__} takes {network.main_input_name}: expected a network that takes input_ids")


def sample(model: Any, has_cache: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs to trace a network with, and which of their dimensions are symbolic."""
    known = inspect.signature(model.forward).parameters
    length = PAST + SEQUENCE if has_cache else SEQUENCE
    inputs: dict[str, Any] = {
        "input_ids": torch.ones(BATCH, SEQUENCE, dtype=torch.long),
        "attention_mask": torch.ones(BATCH, length, dtype=torch.long),
    }
    if has_cache and "position_ids" in known:
        inputs["position_ids"] = torch.arange(PAST, length).repeat(BATCH, 1)
    if not has_cache and "token_type_ids" in known and getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.zeros(BATCH, SEQUENCE, dtype=torch.long)
    shapes: dict[str, Any] = {name: _symbolic(name, value.dim(), has_cache) for name, value in inputs.items()}
    if has_cache:
        cache = _cache(model)
        inputs |= {"past_key_values": cache, "use_cache": True}
        shapes["past_key_values"] = [_symbolic("past_key_values.", 4, True)] * (2 * len(cache.layers))
    return inputs, shapes


def _symbolic(port: str, rank: int, has_cache: bool) -> dict[int, Any]:
    names = dimension_names(port, rank, has_cache)
    return {place: Dim.AUTO for place, name in enumerate(names) if name}


def _cache(model: Any) -> Any:
    """A cache of PAST tokens; their shapes are those that the network itself gives one.

    It keeps all tokens, also of layers with a sliding window: these mask what is outside of it.
    """
    with torch.no_grad():
        tokens = torch.ones(BATCH, SEQUENCE, dtype=torch.long)
        made = model(input_ids=tokens, use_cache=True).past_key_values
    cache = transformers.DynamicCache()
    for number, layer in enumerate(made.layers):
        pair = [t.new_zeros(BATCH, t.shape[1], PAST, t.shape[3]) for t in (layer.keys, layer.values)]
        cache.update(pair[0], pair[1], number)
    return cache
