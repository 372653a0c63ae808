"""Programs of the paper's networks: a few layers, quantised once, then brought onto chips by the compiler's passes."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from cimc.compiler import Options, emit_program, quantise_network, schedule_network
from cimc.onnx_import.importer import import_onnx
from cimc.paper.layer import layer_model
from cimc.paper.shapes import Network
from cimc.pass_driver.pass_runner import PassRunner
from cimc.program.program import Program
from cimc.universe import make_context
from dialects.hardware import MODULE_KEY, ChipAttr


@dataclass(frozen=True)
class QuantisedLayers:
    """The first `layers` of a network, in its dense or Monarch form, decoding one token; on no chip yet."""

    ctx: Context
    module: ModuleOp
    layers: int

    @classmethod
    def of(cls, network: Network, form: str, layers: int, chip: ChipAttr) -> "QuantisedLayers":
        """With generated weights, imported for `chip` but fit for any."""
        steps = tuple(step for layer in network.layers[:layers] for step in layer)
        ctx = make_context()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "layers.onnx"
            file.write_bytes(layer_model(steps, network.context, form == "monarch").SerializeToString())
            module = import_onnx(ctx, file, chip, {})
            quantise_network(PassRunner(ctx), module)
        return cls(ctx, module, layers)

    def program(self, chip: ChipAttr, mapping: str, objective: str, lossy: int) -> Program:
        """Their program on a chip, all rows of a tile converted at once to `lossy` bits."""
        module = self.module.clone()
        module.attributes[MODULE_KEY] = chip
        options = Options(mapping=mapping, objective=objective, lossy=lossy, measure=False)
        schedule_network(PassRunner(self.ctx), module, options)
        return emit_program(self.ctx, module, options)
