"""Numbers of the values that travel between kernels and stages."""

from dataclasses import dataclass, field

from xdsl.ir import SSAValue


@dataclass
class Slots:
    """Gives every value a number when it is first asked for."""

    numbers: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def of(self, value: SSAValue) -> int:
        """The slot of `value`."""
        return self.numbers.setdefault(value, len(self.numbers))
