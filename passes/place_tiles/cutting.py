"""A weight that alone needs more crossbars than the chip has becomes several, and multiplications by it, too."""

from collections.abc import Sequence
from functools import partial, reduce

import numpy as np
from xdsl.ir import SSAValue

from dialects.array import MultiplyOp
from dialects.attributes.structure import BlocksAttr, RectanglesAttr
from dialects.cim import DigitalOp, WeightOp
from dialects.element_types import Array
from dialects.hardware import ChipAttr
from dialects.network import Network
from dialects.semantics.weight_values import StoredMatrix, column_order, stored_matrix
from passes.place_tiles.analysis.cuts import Strip, tiles_between
from passes.rewriting.digital import DigitalBuilder, with_last
from passes.rewriting.multiplications import blocks_of, tiles_of


def cut(multiplies: Sequence[MultiplyOp], strips: Sequence[Strip], network: Network, chip: ChipAttr) -> None:
    """Let parts of a weight be weights of their own, for all multiplications by it.

    Before, a weight `@w` of 4x8:
    ```mlir
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 7
    } : tensor<?x4xui8> -> tensor<?x8xi32>
    ```
    After, cut between columns (between rows, with `Slice` of %x, and `Add`):
    ```mlir
    %0 = array.multiply %x by @w.part { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %1 = array.multiply %x by @w.part.1 { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %y = cim.digital "Concat"(%0, %1) with {axis = -1 : i64} : (tensor<?x4xi32>, tensor<?x4xi32>) -> tensor<?x8xi32>
    ```
    Parts have the format of the weight, tiles, and no places. Sums of products wrap around as those in arrays do.
    """
    weight = network.weight(multiplies[0].symbol)
    order = column_order(weight, network)
    for multiply in multiplies:
        builder = DigitalBuilder(network, multiply)
        sums = [_product(builder, multiply, weight, strip, chip) for strip in strips]
        y = sums[0] if len(sums) == 1 else builder.op("Concat", sums, multiply.result.type, axis=-1)
        if order is not None:
            y = builder.permute(y, np.argsort(order), f"{weight.symbol}.order")
        y.name_hint = multiply.result.name_hint
        multiply.result.replace_all_uses_with(y)
        multiply.detach()
        multiply.erase()


def _product(builder: DigitalBuilder, multiply: MultiplyOp, weight: WeightOp, strip: Strip, chip: ChipAttr) -> SSAValue:
    """The product of a vector and some columns of a weight, added up of those with its parts."""
    products = [_part(builder, multiply, weight, strip, rows, chip) for rows in strip.rows]
    return reduce(partial(builder.elementwise, "Add"), products)


def _part(
    builder: DigitalBuilder,
    multiply: MultiplyOp,
    weight: WeightOp,
    strip: Strip,
    rows: tuple[int, int],
    chip: ChipAttr,
) -> SSAValue:
    """The product of some elements of a vector and a part of the weight."""
    network = builder.network
    stored, again = stored_matrix(weight, network), weight.again(network.store)
    numbers = partial(_numbers, strip=strip, rows=rows)
    symbol = builder.weight(
        numbers(stored.data),
        f"{weight.symbol}.part",
        structure=_structure(weight, network, strip, rows),
        again=None if again is None else lambda: numbers(again()),
    )
    x = multiply.x if rows == (0, stored.shape[0]) else _elements(builder, multiply.x, *rows)
    product = MultiplyOp(
        x,
        symbol,
        tiles_of(network.weight(symbol), network, chip),
        with_last(multiply.result.type, strip.end - strip.first),
    )
    product.input_bits, product.format = multiply.input_bits, multiply.format
    return builder.add(product)


def _numbers(data: Array, strip: Strip, rows: tuple[int, int]) -> Array:
    """The numbers of a part, zeros between blocks included."""
    return np.ascontiguousarray(StoredMatrix(data).expanded()[slice(*rows), strip.first : strip.end])


def _structure(weight: WeightOp, network: Network, strip: Strip, rows: tuple[int, int]) -> BlocksAttr | None:
    """The blocks of a part, of the same kind; None of a dense weight."""
    if weight.structure is None:
        return None
    own = tiles_between(blocks_of(weight, network), strip, rows)
    return BlocksAttr(weight.structure.kind, RectanglesAttr.of(own))


def _elements(builder: DigitalBuilder, x: SSAValue, first: int, end: int) -> SSAValue:
    """Some elements of a vector, which other multiplications may have asked for already."""
    start, stop, axis = (builder.constant(np.array([n]), "slice") for n in (first, end, -1))
    return builder.once(DigitalOp("Slice", [x, start, stop, axis], [with_last(x.type, end - first)]))
