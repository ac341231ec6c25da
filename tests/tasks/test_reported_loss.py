"""The loss that is reported is the plain one: label smoothing helps training and says nothing of the answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tasks.task_tables import TABLES
from torch import nn

from derin.data.batch import Batch
from derin.tasks.inference import infer_task


@pytest.mark.parametrize("name", ["classification", "binary", "multilabel"])
def test_measured_loss_is_without_smoothing_and_the_training_loss_is_with_it(name: str) -> None:
    task = infer_task(TABLES[name], name=name, label_smoothing=0.2)
    raw = torch.randn(8, task.num_outputs, generator=torch.Generator().manual_seed(0))
    batch = Batch({"input": raw, "target": torch.from_numpy(task.targets(TABLES[name]))}, torch.arange(8))
    metrics = task.metrics()
    metrics.update(task.predict(nn.Identity(), batch), batch)
    logits, target = raw.double().numpy(), batch["target"].numpy()
    if name == "classification":
        shifted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        expected = -shifted[np.arange(8), target].mean()
    else:
        logits = logits.reshape(target.shape)
        expected = (np.log1p(np.exp(-logits)) * target + np.log1p(np.exp(logits)) * (1 - target)).mean()
    assert metrics.compute()["loss"] == pytest.approx(expected, rel=1e-5)
    assert task.loss(nn.Identity(), batch)["loss"].item() != pytest.approx(expected, rel=1e-3)
