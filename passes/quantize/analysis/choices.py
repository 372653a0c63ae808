"""What can be chosen in `quantize`; free of numpy: a command line is parsed before it is imported."""

from typing import Literal, TypeAlias, get_args

from dialects.errors import UserError

Activations: TypeAlias = Literal["token", "tensor", "static"]
"""How activations are quantised: by the range of each token, of the tensor, or of calibration inputs."""
ACTIVATIONS: tuple[Activations, ...] = get_args(Activations)
TOKEN, TENSOR, STATIC = ACTIVATIONS


def check_activations(activations: str) -> None:
    """UserError for a way to quantise activations that there is not."""
    if activations not in ACTIVATIONS:
        raise UserError(f"activations={activations} is unknown: expected one of {', '.join(ACTIVATIONS)}")
