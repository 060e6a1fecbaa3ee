"""Asking memory for the rows that a kernel will come to, while it works on others.

Queries of a batch are scattered over the graph: each begins with two reads that miss the caches,
one of ``indptr`` and one of the row that it points to. Asked for some rows ahead, they are there in
time: a batch of new queries then takes half as long. So are the vectors of entities, each a few
cache lines, in two thirds of the time. Results do not depend on it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from gneg.kernels._jit import jit

AHEAD = 2  # vectors ahead that are asked for
NEXT = 8  # rows ahead whose targets are asked for; their place in ``indptr`` twice as early


def _ask_for(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of ``array[index]``, which need not exist."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, args[0]).data
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.bitcast(builder.gep(data, [args[1]]), byte)
        shape = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], shape)
        # To read (0), into all levels of cache (3), data (1).
        builder.call(prefetch, [address, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


ask_for: Any = intrinsic(_ask_for)


@jit
def ask_for_vector(vectors, row):
    """Ask for ``vectors[row]``, of 4 bytes a value."""
    width = vectors.shape[1]
    for d in range(0, width, 16):  # a cache line of 64 bytes
        ask_for(vectors, row * width + d)


@jit
def ask_ahead(i, hi, rows, indptr, indices):
    """Ask for the beginning and the middle of the row of a query some queries after ``i``."""
    if i + 2 * NEXT < hi:
        ask_for(indptr, rows[i + 2 * NEXT])
    if i + NEXT < hi:
        start, stop = indptr[rows[i + NEXT]], indptr[rows[i + NEXT] + 1]
        ask_for(indices, start)
        ask_for(indices, (start + stop) >> 1)
