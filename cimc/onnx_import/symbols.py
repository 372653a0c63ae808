"""Names for the dimensions of a language model that torch's exporters number: `s44` where others write `batch`."""

import re

from onnx import GraphProto, ValueInfoProto

from cimc.export.names import BATCH, PAST, SEQUENCE, port_name, renamed, symbol_names

_NUMBERED = re.compile(r"s\d+")


def name_symbols(graph: GraphProto) -> None:
    """Give numbered dimensions the names batch, sequence, past and past + sequence, by the inputs that have them.

    So an attention mask has the batch of its tokens, which the exporters leave open. Nothing happens in a graph without
    `input_ids`, or with one of these names.
    """
    entries = (*graph.input, *graph.output, *graph.value_info)
    written = {name for entry in entries for name in _names(entry)}
    ports = {port_name(entry.name, True): _names(entry) for entry in graph.input}
    if "input_ids" not in ports or written & {BATCH, SEQUENCE, PAST}:
        return
    has_cache = any(port.startswith("past_key_values.") for port in ports)
    meanings = {symbol: name for symbol, name in symbol_names(ports, has_cache).items() if _NUMBERED.fullmatch(symbol)}
    for entry in entries if meanings else ():
        for dim in entry.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = renamed(dim.dim_param, meanings)


def _names(entry: ValueInfoProto) -> list[str]:
    return [dim.dim_param for dim in entry.type.tensor_type.shape.dim]
