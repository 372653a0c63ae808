"""How long the way from each step to the end is: what lies on the longest way is the most urgent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Operator, Permutation, Step


@dataclass(frozen=True)
class Paths:
    """How long it takes until all is done, if units, links and registers were free [ps]: from the start of operators
    and permutations (`steps`), from when a vector moves into a stage, from when a product is converted, and from when
    it moves out. Of stages by the number of the step."""

    steps: dict[int, int]
    ins: dict[int, list[int]]
    converted: dict[int, list[int]]
    outs: dict[int, list[int]]


def longest_paths(
    steps: Sequence[Step], prepared: Mapping[int, PreparedStage], first: Sequence[int], resources: Resources
) -> Paths:
    """The longest paths of all steps; the results of step i are values from `first[i]` on, `prepared` are the stages.

    Partial sums count as if they were there together: a tree of additions.
    """
    paths = Paths({}, {}, {}, {})
    tail = [0] * (first[-1] if first else 0)
    """How long the way is from when a value is there."""

    def wait(needs: Sequence[int], path: int) -> None:
        for value in needs:
            tail[value] = max(tail[value], path)

    for number in range(len(steps) - 1, -1, -1):
        step, value = steps[number], first[number]
        if isinstance(step, Operator | Permutation):
            picoseconds = step.cost.picoseconds if isinstance(step, Operator) else step.picoseconds
            paths.steps[number] = picoseconds + tail[value]
            wait(step.needs, paths.steps[number])
            continue
        stage = prepared[number]
        outs = [out + tail[value + i] for i, out in enumerate(step.outs)]
        converted = [resources.add_ps * _rounds(product) + out for product, out in zip(step.products, outs)]
        ins = list(step.ins)
        for product, busy, path in zip(step.products, stage.longest, converted):
            ins[product.source] = max(ins[product.source], step.ins[product.source] + busy + path)
        for needs, path in zip(step.needs, ins):
            wait(needs, path)
        paths.ins[number], paths.converted[number], paths.outs[number] = ins, converted, outs
    return paths


def _rounds(product: Product) -> int:
    """About how often sums are added one after the other: the logarithm of how many tiles lie under each other."""
    tiles = product.tiles
    width = int((tiles[:, 1] + tiles[:, 3]).max() - tiles[:, 1].min()) if len(tiles) else 0
    copies = 1 + int(product.copy.max(initial=0))
    parts = -(-int(tiles[:, 3].sum()) // (copies * width)) if width else 1
    return (parts - 1).bit_length()
