"""Up to where numbers are prepared in the calling thread alone.

Torch shares out larger operations among threads that go on spinning for some milliseconds afterwards, at the expense of
whatever comes next with threads of its own, such as ONNX Runtime.
"""

from __future__ import annotations

# Numbers of an input, such as one picture of 224×224 with three channels, that one thread prepares in a fraction of a
# millisecond.
FEW_VALUES = 1 << 18
# Torch shares out no operation on fewer numbers than 2¹⁵ (at::internal::GRAIN_SIZE).
MOST_IN_ONE_THREAD = (1 << 15) - 1
