"""A network run by ONNX Runtime in place of torch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from derin.export.onnx import Samples, export_onnx

_MOST_COPIED_ALONE = 1 << 20  # numbers, which one thread copies in about 3 ms


class OnnxSession:
    """The function of a network as ONNX Runtime computes it, for batches of any size.

    The weights are those at the time of the making; later changes of the network are not seen. The session has as many
    threads of its own as torch has.

    Args:
        network: in eval mode, on the CPU; takes one tensor and gives one.
        example: one input without the batch, for shape and type.
        samples: gives inputs to compare with, as `export_onnx` takes it.

    Shapes:
        ``(batch, ...)`` → the network's output.

    Raises:
        MissingExtraError, UsageError, DerinError: as `export_onnx`.

    Example:
        >>> layer = torch.nn.Linear(3, 2).eval()
        >>> session, x = OnnxSession(layer, torch.zeros(3)), torch.ones(4, 3)
        >>> torch.allclose(session(x), layer(x), atol=1e-6)
        True
    """

    def __init__(self, network: nn.Module, example: Tensor, samples: Samples | None = None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.onnx"
            export_onnx(network, file, example, samples=samples)
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = torch.get_num_threads()
            # Its threads go on spinning for some 60 ms after a call, in which torch, on the same cores, takes up to
            # four times as long and more.
            options.add_session_config_entry("session.force_spinning_stop", "1")
            self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def __call__(self, x: Tensor) -> Tensor:
        # Torch's threads spin for some ms after a copy that they shared, at the expense of those of the session.
        values = np.ascontiguousarray(x.numpy()) if x.numel() < _MOST_COPIED_ALONE else x.contiguous().numpy()
        return torch.from_numpy(self._session.run(None, {"input": values})[0])
