"""What an ADC costs: models of its time, energy and area by resolution, of which a chip names one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any, Protocol

from dialects.errors import UserError

ADC_MODELS = {
    "table": "numbers of the chip file",
    "closed-form-28nm": "closed form for SAR ADCs in 28 nm (ZigZag-IMC)",
    "survey": "regression on Murmann's ADC survey (hwcomponents-adc, arXiv 2404.06553), interpolated from a table",
    "hwcomponents": "regression on Murmann's ADC survey, computed by the package hwcomponents-adc",
}
"""The models by the name that `adc_model` gives, with where their numbers come from."""

FEWEST_SURVEY_BITS = 4
"""Below, the survey has no ADCs; models built on it are flat there, which overestimates."""


class AdcModel(Protocol):
    """Energy and area of one ADC; every method takes the resolution in bits, 1 or more."""

    def picojoules(self, bits: int) -> float:
        """One conversion."""
        ...

    def square_micrometres(self, bits: int) -> float:
        """The ADC itself."""
        ...

    def nanoseconds(self, bits: int) -> float | None:
        """One conversion; None if the model does not tell."""
        ...

    def note(self, bits: int) -> str | None:
        """What must be said of figures at this resolution, beside the model's name; None for nothing."""
        ...


@dataclass(frozen=True)
class TableAdc:
    """Numbers for 1, 2, ... bits."""

    energies_pj: Sequence[float]
    areas_um2: Sequence[float]

    def picojoules(self, bits: int) -> float:
        return self.energies_pj[bits - 1]

    def square_micrometres(self, bits: int) -> float:
        return self.areas_um2[bits - 1]

    def nanoseconds(self, bits: int) -> float | None:
        return None

    def note(self, bits: int) -> str | None:
        return None


@dataclass(frozen=True)
class ClosedFormAdc:
    """A SAR ADC in 28 nm at the end of a column of `rows` cells, after ZigZag-IMC (`AimcArray.get_adc_cost`).

    Area `2^b * 10^(1.206 - 0.0369 b)` um2, time `b * (0.640 + 0.00653 rows)` ns, energy
    `(100 b + 0.001 * 4^b) fF * supply^2`; fitted there to three published macros.
    """

    rows: int
    supply_v: float

    def picojoules(self, bits: int) -> float:
        return 1e-3 * (100 * bits + 0.001 * 4**bits) * self.supply_v**2

    def square_micrometres(self, bits: int) -> float:
        return 2**bits * 10 ** (1.206 - 0.0369 * bits)

    def nanoseconds(self, bits: int) -> float | None:
        return bits * (0.640 + 0.00653 * self.rows)

    def note(self, bits: int) -> str | None:
        return None


@dataclass(frozen=True)
class Curve:
    """One quantity of the survey model at one node and rate: (bits, value) in rising order of bits."""

    points: tuple[tuple[float, float], ...]

    def at(self, position: float) -> float:
        """The value in between: linear in its logarithm; at the ends, that of the end."""
        return math.exp(_interpolated([(x, math.log(y)) for x, y in self.points], position))


_PJ_22 = Curve(((4, 0.457), (6, 0.527), (8, 0.847), (10, 1.636)))
_PJ_32 = Curve(((4, 0.924), (5, 0.936), (6, 1.065), (7, 1.312), (8, 1.714), (10, 3.310)))
_PJ_32_FAST = Curve(((4, 0.924), (5, 0.936), (6, 1.065), (7, 1.312), (8, 1.714), (10, 13.95)))
_PJ_65 = Curve(((4, 3.501), (6, 4.036), (8, 6.494), (10, 12.54)))
_UM2_22 = Curve(((4, 1828), (6, 1907), (8, 2199), (10, 2678)))
_UM2_32 = Curve(((4, 3274), (6, 3417), (8, 3939), (10, 4796)))
_UM2_32_FAST = Curve(((4, 4964), (6, 5180), (8, 5972), (10, 11180)))
_UM2_65 = Curve(((4, 9860), (6, 10289), (8, 11862), (10, 14443)))

SURVEY_BITS, SURVEY_NODES, SURVEY_RATES = (1, 10), (22, 65), (100, 1000)
"""What the survey's table covers: bits (flat below 4), nm, MHz."""


@dataclass(frozen=True)
class SurveyAdc:
    """The best ADC to be expected by Murmann's survey, from a table of the model of arXiv 2404.06553.

    Between its points the logarithm of a figure is linear in bits, in log(node) and in log(rate). The rate was only
    tabulated for 32 nm: its factor is the same for other nodes, as it is in the model.
    """

    node_nm: float
    rate_mhz: float

    def __post_init__(self) -> None:
        for name, value, (low, high) in (
            ("node_nm", self.node_nm, SURVEY_NODES),
            ("adc_rate_mhz", self.rate_mhz, SURVEY_RATES),
        ):
            if not low <= value <= high:
                raise UserError(
                    f'{name} = {value:g} is outside the table of adc_model = "survey": '
                    f"expected {low} to {high}, or another adc_model"
                )

    def picojoules(self, bits: int) -> float:
        return self._value(bits, (_PJ_22, _PJ_32, _PJ_65), _PJ_32_FAST)

    def square_micrometres(self, bits: int) -> float:
        return self._value(bits, (_UM2_22, _UM2_32, _UM2_65), _UM2_32_FAST)

    def nanoseconds(self, bits: int) -> float | None:
        return 1000 / self.rate_mhz

    def note(self, bits: int) -> str | None:
        return _survey_note(bits)

    def _value(self, bits: int, by_node: tuple[Curve, Curve, Curve], fast: Curve) -> float:
        if bits > SURVEY_BITS[1]:
            raise UserError(
                f'an ADC of {bits} bits is outside the table of adc_model = "survey": '
                f"expected at most {SURVEY_BITS[1]}, or another adc_model"
            )
        slow = [(math.log(node), math.log(c.at(bits))) for node, c in zip((22, 32, 65), by_node, strict=True)]
        factor = math.log(fast.at(bits) / by_node[1].at(bits)) * math.log10(self.rate_mhz / SURVEY_RATES[0])
        return math.exp(_interpolated(slow, math.log(self.node_nm)) + factor)


@dataclass(frozen=True)
class HwcomponentsAdc:
    """The survey model itself, for any node and rate, as the package hwcomponents-adc computes it.

    The energy includes the fifth that the package counts as leakage.
    """

    node_nm: float
    rate_mhz: float

    def picojoules(self, bits: int) -> float:
        return 1e12 * float(self._adc(bits).get_energy())

    def square_micrometres(self, bits: int) -> float:
        return 1e12 * float(self._adc(bits).area)

    def nanoseconds(self, bits: int) -> float | None:
        return 1000 / self.rate_mhz

    def note(self, bits: int) -> str | None:
        return _survey_note(bits)

    def _adc(self, bits: int) -> Any:
        try:
            package = import_module("hwcomponents_adc")
        except ImportError as error:
            raise UserError(
                'adc_model = "hwcomponents" needs the package hwcomponents-adc, which is not installed: '
                "install it (Python 3.12 or later), or choose one of "
                + ", ".join(name for name in ADC_MODELS if name != "hwcomponents")
            ) from error
        return package.ADC(
            n_bits=max(bits, FEWEST_SURVEY_BITS), tech_node=1e-9 * self.node_nm, throughput=1e6 * self.rate_mhz
        )


def _survey_note(bits: int) -> str | None:
    if bits >= FEWEST_SURVEY_BITS:
        return None
    return f"the ADC survey begins at {FEWEST_SURVEY_BITS} bits: fewer are counted as {FEWEST_SURVEY_BITS}"


def _interpolated(points: Sequence[tuple[float, float]], position: float) -> float:
    """Piecewise linear through `points`, which rise in x; constant outside of them."""
    if position <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if position <= x1:
            return y0 + (y1 - y0) * (position - x0) / (x1 - x0)
    return points[-1][1]
