"""Muon: momentum whose every step is made orthogonal, so that no direction of a weight learns slower than the others.

The block-diagonal factors of a Monarch layer are stored as their blocks, and orthogonalising a block-diagonal matrix is
orthogonalising its blocks: so the same lines serve dense weights [in, out] and factors [blocks, in, out].
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of a polynomial that drives singular values towards 1 quickly (Jordan et al., Muon, 2024)."""


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Roughly U V^T of the singular value decomposition U S V^T of each matrix [..., m, n], by Newton-Schulz steps."""
    a, b, c = QUINTIC
    wide = matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.mT
    x = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide is matrices else x.mT


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, with decoupled weight decay. Parameters are [in, out] or [blocks, in, out]."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.1
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update from the gradients at hand."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter not in self.state:
                    self.state[parameter]["velocity"] = torch.zeros_like(parameter)
                velocity = self.state[parameter]["velocity"]
                velocity.lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(velocity, group["momentum"])
                direction = orthogonalize(ahead.to(torch.bfloat16)).to(parameter.dtype)
                inputs, outputs = parameter.shape[-2:]
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(direction, alpha=-group["lr"] * max(1.0, outputs / inputs) ** 0.5)
