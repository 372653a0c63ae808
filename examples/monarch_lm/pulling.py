"""Train Monarch layers as dense weights that are pulled onto the nearest Monarch products, and keep the factors.

Factors learn slower than the dense weights they stand for. So a network is trained with dense ones; after every step,
what of a weight W no Monarch product can give, W - P(W), is cut down, until nothing of it is left at some step. From
there on each step ends at a Monarch product, P being the nearest one.

Slices: with b blocks a factor, the entries of W [in, out] at which block i of the first factor meets block l of the
second one are a matrix [in / b, out / b], and the product of the factors is any that has rank at most r in each.
"""

import math
from collections.abc import Iterable, Iterator

import torch
from model import ByteGPT, Config, Dense, Monarch, results_between
from torch import Tensor, nn


class Pull:
    """The nearest Monarch product to a dense weight [in, out], followed from step to step."""

    def __init__(self, weight: nn.Parameter, blocks: int) -> None:
        self.weight = weight
        self.blocks = blocks
        self.rank = results_between(*weight.shape, blocks) // blocks**2
        self.basis: Tensor | None = None
        """What spans the columns of each slice's nearest matrix of that rank, [b, b, in / b, r], orthonormal."""

    def slices(self, weight: Tensor) -> Tensor:
        """[in, out] -> [b, b, in / b, out / b]."""
        runs = weight.unflatten(0, (self.blocks, -1)).unflatten(2, (-1, self.blocks))
        return runs.permute(0, 3, 1, 2)

    def whole(self, slices: Tensor) -> Tensor:
        """The inverse of `slices`."""
        return slices.permute(0, 2, 3, 1).reshape(self.weight.shape)

    @torch.no_grad()
    def apply(self, keep: float) -> None:
        """Keep this share of what no Monarch product can give."""
        slices = self.slices(self.weight)
        if self.basis is None:
            self.basis = torch.linalg.svd(slices, full_matrices=False)[0][..., : self.rank]
        else:
            # A weight changes little in one step: a single step of subspace iteration follows its largest directions.
            self.basis = torch.linalg.qr(slices @ (slices.mT @ self.basis))[0]
        nearest = self.whole(self.basis @ (self.basis.mT @ slices))
        self.weight.copy_(nearest if keep == 0 else nearest.lerp(self.weight, keep))

    @torch.no_grad()
    def factors(self) -> tuple[Tensor, Tensor]:
        """Both factors of the nearest product as `Monarch` stores them, equally large in every direction."""
        left, values, right = torch.linalg.svd(self.slices(self.weight), full_matrices=False)
        roots = values[..., : self.rank].sqrt()
        first = left[..., : self.rank] * roots.unsqueeze(-2)
        second = right[..., : self.rank, :] * roots.unsqueeze(-1)
        middle = self.blocks * self.rank
        return (
            first.permute(0, 2, 3, 1).reshape(self.blocks, -1, middle),
            second.permute(1, 0, 2, 3).reshape(self.blocks, middle, -1),
        )


def keep_at(step: int, last: float) -> float:
    """The share to keep after a step, so that their product falls from 1 to 0 as half a cosine, at step `last`."""
    if step + 1 >= last:
        return 0.0
    return left_at(step + 1, last) / left_at(step, last)


def left_at(step: float, last: float) -> float:
    """Half a cosine: 1 at step 0, 0 at step `last`."""
    return (1 + math.cos(math.pi * step / last)) / 2


def dense_weights(model: ByteGPT) -> Iterator[tuple[str, nn.Parameter]]:
    """The weights of all linear layers of a dense network, and the names of the layers."""
    for name, module in model.named_modules():
        if isinstance(module, Dense):
            yield name, module.weight


def as_monarch(model: ByteGPT, pulls: Iterable[Pull], blocks: int) -> ByteGPT:
    """The network with the factors of its pulled weights instead of them."""
    config = Config(model.config.width, model.config.layers, model.config.heads, blocks)
    result = ByteGPT(config)
    result.load_state_dict(model.state_dict(), strict=False)
    for (name, _), pull in zip(dense_weights(model), pulls, strict=True):
        layer = result.get_submodule(name)
        assert isinstance(layer, Monarch)
        first, second = pull.factors()
        layer.first.data.copy_(first)
        layer.second.data.copy_(second)
    return result
