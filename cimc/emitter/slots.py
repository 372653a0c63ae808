"""Numbers of the values that travel between kernels and stages."""

from dataclasses import dataclass, field

from xdsl.ir import SSAValue


@dataclass
class Slots:
    """Gives every value a number when it is first asked for."""

    count: int = 0
    _numbers: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def of(self, value: SSAValue) -> int:
        """The slot of `value`."""
        if value not in self._numbers:
            self._numbers[value] = self.count
            self.count += 1
        return self._numbers[value]

    def share(self, value: SSAValue, other: SSAValue) -> None:
        """Let `value` have the slot of `other`, for it is the same after a transfer."""
        self._numbers[value] = self.of(other)
