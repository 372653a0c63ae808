"""How far a program is from the network that it was compiled from, as far as that was measured: figures and words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cimc.program.errors import ProgramError
from cimc.program.metadata import Json, JsonObject

PROGRAM, NETWORK = RAN = ("program", "network")
"""What was run: the program on the machine, or in ONNX Runtime the network that it computes, to the last bit."""
Shares: TypeAlias = Mapping[int, tuple[int, int]]
"""By stage, how many conversions clipped, and how many were made."""


@dataclass(frozen=True)
class Distance:
    """A compiled network against the original on some inputs.

    `cosine` is that of the output of floats where it is least, None if no output has any; `largest` is the largest
    difference of all outputs, each over the values that are finite in both. `others` says what else differs,
    and what was not compared; `failure` why nothing could be.
    """

    identical: bool
    cosine: float | None = 1.0
    largest: float = 0.0
    cosine_output: str = ""
    largest_output: str = ""
    others: tuple[str, ...] = ()
    rewritten: str = ""
    """What was rewritten in the original, so that its numbers are the same on every processor."""
    failure: str | None = None
    ran: str = NETWORK
    inputs: str = ""
    """The name of the file with the inputs, "" if they were made up."""
    clipping: Shares | None = None
    """What clipped in the program, if that was run."""

    @property
    def clipped(self) -> tuple[int, int] | None:
        """How many conversions clipped, and how many were made; None if the program was not run."""
        if self.clipping is None:
            return None
        return sum(clipped for clipped, _ in self.clipping.values()), sum(made for _, made in self.clipping.values())

    def __str__(self) -> str:
        if self.failure is not None:
            return f"not measured: {self.failure}"
        rewritten = f" ({self.rewritten})" if self.rewritten else ""
        figures = "identical to the original, bit for bit" if self.identical else self._figures()
        return f"{figures}{''.join(f'; {other}' for other in self.others)}{rewritten}"

    def _figures(self) -> str:
        largest = f"largest difference {self.largest:.3g}"
        if self.cosine is None or self.cosine_output == self.largest_output:
            least = "" if self.cosine is None else f"cosine {self.cosine:.6f}, "
            where = f" (output {self.largest_output!r})" if self.largest_output else ""
            return f"{least}{largest} from the original{where}"
        return (
            f"cosine {self.cosine:.6f} (output {self.cosine_output!r}), "
            f"{largest} from the original (output {self.largest_output!r})"
        )

    def to_json(self) -> dict[str, Json]:
        """What was measured, in plain numbers; a difference that is no finite number is null."""
        assert self.failure is None, "nothing was measured"
        clipping: Json = None
        if self.clipping is not None:
            clipping = [{"stage": s, "clipped": c, "conversions": n} for s, (c, n) in sorted(self.clipping.items())]
        return {
            "ran": self.ran,
            "inputs": self.inputs,
            "identical": self.identical,
            "cosine": self.cosine,
            "cosine_output": self.cosine_output,
            "largest_difference": self.largest if math.isfinite(self.largest) else None,
            "largest_output": self.largest_output,
            "others": list(self.others),
            "rewritten": self.rewritten,
            "clipping": clipping,
        }

    @staticmethod
    def from_json(value: JsonObject) -> "Distance":
        """What `to_json` made; ProgramError for anything else."""
        ran = value.text("ran")
        if ran not in RAN:
            raise ProgramError(f"damaged: metadata {value.where}.ran is {ran!r}, expected one of {', '.join(RAN)}")
        no_cosine, no_largest = (value.fields.get(key) is None for key in ("cosine", "largest_difference"))
        shares = None
        if value.fields.get("clipping") is not None:
            entries = value.children("clipping")
            shares = {e.count("stage"): (e.count("clipped"), e.count("conversions")) for e in entries}
        return Distance(
            value.flag("identical"),
            None if no_cosine else value.number("cosine"),
            math.inf if no_largest else value.number("largest_difference"),
            value.text("cosine_output"),
            value.text("largest_output"),
            value.texts("others"),
            value.text("rewritten"),
            ran=ran,
            inputs=value.text("inputs"),
            clipping=shares,
        )
