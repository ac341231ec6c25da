"""The table of operations: forward, backward and formulas side by side, in NumPy alone.

Attention and recurrent cells have no entries of their own: they are captured as the products, sums, softmaxes and
sigmoids of which they consist.
"""

from derin.explain.trace.operation import Operation
from derin.explain.trace.operations.activations import ACTIVATIONS
from derin.explain.trace.operations.arithmetic import ARITHMETIC
from derin.explain.trace.operations.convolution import CONVOLUTION
from derin.explain.trace.operations.embedding import EMBEDDING
from derin.explain.trace.operations.losses import LOSSES
from derin.explain.trace.operations.normalization import NORMALIZATION
from derin.explain.trace.operations.pooling import POOLING
from derin.explain.trace.operations.products import PRODUCTS
from derin.explain.trace.operations.reductions import REDUCTIONS
from derin.explain.trace.operations.shaping import SHAPING

OPERATIONS: dict[str, Operation] = {
    **ARITHMETIC,
    **PRODUCTS,
    **CONVOLUTION,
    **POOLING,
    **NORMALIZATION,
    **ACTIVATIONS,
    **LOSSES,
    **REDUCTIONS,
    **EMBEDDING,
    **SHAPING,
}
