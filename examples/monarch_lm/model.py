"""A small byte-level GPT whose linear layers are dense or Monarch layers.

Shapes: B sequences of S new bytes after P bytes seen before; H heads of D channels; width W = H * D.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BYTES = 256

Cache = list[tuple[Tensor, Tensor]]
"""For each layer the keys and the values seen so far, each [B, H, P, D]."""


@dataclass(frozen=True)
class Config:
    """What fixes the shape of a network."""

    width: int
    layers: int
    heads: int
    blocks: int
    """Blocks of each Monarch factor; 1 makes every linear layer dense."""


class Monarch(nn.Module):
    """A linear layer without bias whose weight is a product of two block-diagonal matrices and permutations.

    Block i of the first factor sees the i-th run of neighbouring inputs. Its results are dealt out, one by one in turn,
    to the blocks of the second factor; so every input reaches every output. The results of the second factor are
    interleaved the same way. The factors hold `inputs * m / blocks + m * outputs / blocks` weights, where m is the
    smaller one of inputs and outputs. This is the layer of Dao et al., arXiv 2204.00595, also for unequal sizes.
    """

    def __init__(self, inputs: int, outputs: int, blocks: int, gain: float = 1.0) -> None:
        super().__init__()
        middle = results_between(inputs, outputs, blocks)
        # Each factor keeps the variance of its inputs, so the product does too; the gain goes to the second one.
        self.first = nn.Parameter(torch.randn(blocks, inputs // blocks, middle // blocks) * (blocks / inputs) ** 0.5)
        self.second = nn.Parameter(
            torch.randn(blocks, middle // blocks, outputs // blocks) * (blocks / middle) ** 0.5 * gain
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, inputs] -> [B, S, outputs]."""
        if self.training:
            return torch.matmul(x, self.product())
        blocks, rows, _ = self.first.shape
        _, middle, columns = self.second.shape
        batch, length, _ = x.shape
        y = x.reshape(-1, blocks, rows).transpose(0, 1)
        y = torch.matmul(y, self.first).transpose(0, 1)
        y = y.reshape(-1, middle, blocks).permute(2, 0, 1)
        y = torch.matmul(y, self.second).permute(1, 2, 0)
        return y.reshape(batch, length, columns * blocks)

    def product(self) -> Tensor:
        """The same layer as one weight [inputs, outputs]: with thousands of bytes a step, this is quicker on a CPU.

        Each pair of a block of the first factor and one of the second is joined by `shared` intermediate results.
        """
        blocks, rows, middle = self.first.shape
        shared = middle // blocks
        dealt = self.first.reshape(blocks, rows, shared, blocks)
        received = self.second.reshape(blocks, blocks, shared, -1)
        return torch.einsum("iptl,lits->ipsl", dealt, received).reshape(blocks * rows, -1)


def results_between(inputs: int, outputs: int, blocks: int) -> int:
    """How many results the first factor hands to the second one; a ValueError if blocks cannot share them evenly."""
    middle = min(inputs, outputs)
    if inputs % blocks or outputs % blocks or middle % blocks**2:
        raise ValueError(f"{inputs} inputs and {outputs} outputs cannot be dealt out evenly to {blocks} blocks")
    return middle


class Dense(nn.Module):
    """A linear layer without bias."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * inputs**-0.5 * gain)

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, inputs] -> [B, S, outputs]."""
        return torch.matmul(x, self.weight)


def linear(config: Config, inputs: int, outputs: int, gain: float = 1.0) -> nn.Module:
    """A linear layer of the kind the configuration asks for; initial outputs have `gain` times the inputs' spread."""
    if config.blocks == 1:
        return Dense(inputs, outputs, gain)
    return Monarch(inputs, outputs, config.blocks, gain)


class Attention(nn.Module):
    """Causal attention whose scores fall linearly with distance (ALiBi, arXiv 2108.12409), learning no positions."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = linear(config, config.width, config.width)
        self.key = linear(config, config.width, config.width)
        self.value = linear(config, config.width, config.width)
        self.output = linear(config, config.width, config.width, gain=(2 * config.layers) ** -0.5)

    def forward(self, x: Tensor, bias: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        """[B, S, W], [1, H, S, P + S] and two [B, H, P, D] -> [B, S, W] and two [B, H, P + S, D]."""
        query, key, value = (self.split_heads(project(x)) for project in (self.query, self.key, self.value))
        if past is not None:
            key = torch.cat((past[0], key), dim=2)
            value = torch.cat((past[1], value), dim=2)
        if self.training:
            mixed = mix(query, key, value, bias)
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.output(mixed.transpose(1, 2).flatten(2)), key, value

    def split_heads(self, x: Tensor) -> Tensor:
        """[B, S, W] -> [B, H, S, D]."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


def mix(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Causal attention without a past, [B, H, S, D] -> [B, H, S, D]: on CPUs, quicker to learn with than PyTorch's own.

    The first half of the bytes does not look at the second one.
    """
    query = query * query.shape[-1] ** -0.5
    length = query.shape[2]
    half = length // 2
    parts: list[Tensor] = []
    for start, end in (0, half), (half, length):
        scores = query[:, :, start:end] @ key[:, :, :end].mT + bias[:, :, start:end, :end].to(query.dtype)
        parts.append(torch.softmax(scores, -1, dtype=query.dtype) @ value[:, :, :end])
    return torch.cat(parts, dim=2)


class FeedForward(nn.Module):
    """Two linear layers, the hidden one four times as wide, with a GELU between them."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.expand = linear(config, config.width, 4 * config.width)
        self.contract = linear(config, 4 * config.width, config.width, gain=(2 * config.layers) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, W] -> [B, S, W]."""
        return self.contract(F.gelu(self.expand(x)))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each normalised before and added to what came in."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config)

    def forward(self, x: Tensor, bias: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        """As `Attention.forward`."""
        mixed, key, value = self.attention(self.attention_norm(x), bias, past)
        x = x + mixed
        return x + self.feed_forward(self.feed_forward_norm(x)), key, value


class ByteGPT(nn.Module):
    """Predicts the next byte of a text."""

    slopes: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(BYTES, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = linear(config, config.width, BYTES)
        slopes = [2.0 ** (-8 * (head + 1) / config.heads) for head in range(config.heads)]
        self.register_buffer("slopes", torch.tensor(slopes).reshape(1, -1, 1, 1), persistent=False)

    def forward(self, input_ids: Tensor, past: Cache | None = None) -> tuple[Tensor, Cache]:
        """Bytes [B, S] after those in the cache -> logits [B, S, 256] and the cache with these bytes added."""
        seen = 0 if past is None else past[0][0].shape[2]
        bias = self.attention_bias(seen, input_ids.shape[1])
        x = self.embedding(input_ids)
        present: Cache = []
        for index, block in enumerate(self.blocks):
            x, key, value = block(x, bias, None if past is None else past[index])
            present.append((key, value))
        return self.head(self.norm(x)), present

    def attention_bias(self, seen: int, length: int) -> Tensor:
        """What is added to scores, [1, H, S, P + S]: minus slope times distance, and far below that for the future."""
        distance = torch.arange(seen, seen + length).unsqueeze(1) - torch.arange(seen + length).unsqueeze(0)
        penalty = distance.to(torch.float32) * -self.slopes
        return torch.where(distance < 0, torch.tensor(-1e9), penalty)

    def stored_weights(self) -> int:
        """Weights of all linear layers: what is stored in arrays. Embedding and norms are digital."""
        linears = (module for module in self.modules() if isinstance(module, Monarch | Dense))
        return sum(parameter.numel() for module in linears for parameter in module.parameters())
