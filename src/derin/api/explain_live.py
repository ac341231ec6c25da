"""A saved network as a page that computes in the browser, from an input of one's own to every number on the way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.core.messages import translate
from derin.data.cells.encoders import CategoryEncoder, Encoder, NumberEncoder
from derin.data.columns import ColumnsPreparation
from derin.data.features import FeaturesCodec
from derin.data.pictures.codec import PictureCodec
from derin.explain.live.network import Answering, live_network
from derin.explain.live.page import Field, LivePage, PictureInput, TableInput
from derin.export.answers import AnsweringNetwork
from derin.export.prepared import PreparedNetwork
from derin.strategy.record import read_examples
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.regression import Regression

if TYPE_CHECKING:
    from derin.api.model import Model

_SHOWN_TASKS = (Classification, Binary, Regression)
_MOST_EXAMPLES = 12
_SPREADS = 3  # standard deviations from the mean to either end of a slider


def explain_live(model: Model, *, run: Path | None = None) -> LivePage:
    """A page on which a trained network runs: pictures are drawn, rows typed, and every number is shown with its terms.

    Args:
        model: a small network that classifies, or predicts numbers, of pictures or rows of a table.
        run: the folder of its run, whose examples are on the page; None shows none.

    Raises:
        UsageError: the network is too large, or reads or answers something that the page does not show.
    """
    name = model.card["model"].get("name") or model.card["model"]["class"]
    task, preparation = model.task, model.preparation
    if not isinstance(task, _SHOWN_TASKS) or (isinstance(task, Regression) and task.num_outputs > 1):
        raise UsageError(
            f"The page shows networks that give one class or one number; {model.path} is a {task.name} of "
            f"{', '.join(task.columns) or 'several outputs'}."
        )
    codec = preparation.input if isinstance(preparation, ColumnsPreparation) else None
    if not isinstance(codec, PictureCodec | FeaturesCodec):
        raise UsageError(
            f"The page shows networks that read pictures or rows of a table; {model.path} reads "
            f"{preparation.described_inputs}."
        )
    prepared = PreparedNetwork(preparation, AnsweringNetwork(model.network, task, answers_first=True)).eval()
    answering = Answering(prepared.preparation, prepared.answering)
    captured = live_network(answering, prepared.samples(1, torch.Generator().manual_seed(0)), name)
    return LivePage(
        title=translate("live.title", model=name),
        network=captured,
        input=_picture(codec, run) if isinstance(codec, PictureCodec) else _row(codec, prepared, str(model.path)),
        classes=None if isinstance(task, Regression) else task.classes,
        unit=task.unit if isinstance(task, Regression) else None,
    )


def _picture(codec: PictureCodec, run: Path | None) -> PictureInput:
    channels, height, width = codec.shape
    arrays = {} if run is None else read_examples(run)
    pictures, names = np.zeros((0, height, width, channels), dtype=np.uint8), []
    if "pictures" in arrays and arrays["pictures"].shape[1:] == (height, width, channels):
        # One of each reason in turn: what it errs in, what it is wrongly sure of, what it is unsure of.
        turn = np.concatenate([np.arange((arrays["reason"] == one).sum()) for one in dict.fromkeys(arrays["reason"])])
        chosen = np.argsort(turn, kind="stable")[:_MOST_EXAMPLES]
        pictures, names = arrays["pictures"][chosen], [str(one) for one in arrays["true"][chosen]]
    return PictureInput(
        shape=(height, width, channels),
        rule=codec.rule,
        is_dark=float(np.mean(codec.mean)) < 0.5,
        examples=pictures,
        names=names,
    )


def _row(codec: FeaturesCodec, prepared: PreparedNetwork, path: str) -> TableInput:
    return TableInput(
        fields=[
            _field(encoder, given.codes, path) for encoder, given in zip(codec.encoders, prepared.inputs, strict=True)
        ]
    )


def _field(encoder: Encoder, codes: object, path: str) -> Field:
    if isinstance(encoder, CategoryEncoder):
        assert isinstance(codes, dict)
        return Field(name=encoder.name, codes={name: codes[name] for name in encoder.classes})
    if isinstance(encoder, NumberEncoder) and not encoder.shape:
        (mean,), (scale,) = encoder.means, encoder.scales
        reach = _SPREADS * (scale or 1.0)
        return Field(name=encoder.name, low=mean - reach, high=mean + reach)
    raise UsageError(
        f"The page shows tables of numbers and categories; the column {encoder.name!r} of {path} is neither."
    )
