"""A saved network as a page that computes in the browser, from an input of one's own to every number on the way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from derin.core.errors import UsageError
from derin.data.cells.encoders import CategoryEncoder, Encoder, NumberEncoder
from derin.data.columns import ColumnsPreparation
from derin.data.features import FeaturesCodec
from derin.data.pictures.codec import PictureCodec
from derin.data.text.casing import is_dotless
from derin.data.text.codec import TextCodec
from derin.data.text.encoder import TextEncoder
from derin.data.text.stream_preparation import StreamPreparation
from derin.data.text.vocabulary import SPECIAL_TOKENS
from derin.explain.live.network import Answering, LiveNetwork, NextToken, live_network
from derin.explain.live.page import Field, LivePage, PictureInput, TableInput, TextInput
from derin.export.answers import AnsweringNetwork
from derin.export.prepared import PreparedNetwork
from derin.strategy.record import read_examples
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.language_modelling import LanguageModelling
from derin.tasks.regression import Regression

if TYPE_CHECKING:
    from derin.api.model import Model

_SHOWN_TASKS = (Classification, Binary, Regression)
_MOST_EXAMPLES, _MOST_TEXTS = 12, 6
_MOST_TOKENS = 24  # of a text; a recurrent network has a dozen operations for each
_SPREADS = 3  # standard deviations from the mean to either end of a slider


def explain_live(model: Model, *, run: Path | None = None) -> LivePage:
    """A page on which a trained network runs: pictures are drawn, rows and texts typed, and every number is shown with
    its terms.

    Args:
        model: a small network that classifies, or predicts a number, of pictures, rows of a table or texts; or a
            language model.
        run: the folder of its run, whose examples are on the page; None shows none.

    Raises:
        UsageError: the network is too large, or reads or answers something that the page does not show.
    """
    name = model.card["model"].get("name") or model.card["model"]["class"]
    task, preparation = model.task, model.preparation
    if isinstance(task, LanguageModelling) and isinstance(preparation, StreamPreparation):
        text = _text(preparation.encoder, min(_MOST_TOKENS, preparation.window), preparation.start_token, run, name)
        captured = _of_tokens(NextToken(model.network), text, name)
        return LivePage(name=name, network=captured, input=text, classes=text.tokens, follows=True)
    if not isinstance(task, _SHOWN_TASKS) or (isinstance(task, Regression) and task.num_outputs > 1):
        raise UsageError(
            f"The page shows networks that give one class or one number, and language models; {model.path} is for "
            f"{task.name}."
        )
    classes = None if isinstance(task, Regression) else task.classes
    unit = task.unit if isinstance(task, Regression) else None
    codec = preparation.input if isinstance(preparation, ColumnsPreparation) else None
    answers = AnsweringNetwork(model.network, task, answers_first=True)
    shown: PictureInput | TableInput | TextInput
    if isinstance(codec, TextCodec):
        shown = _text(codec.encoder, min(_MOST_TOKENS, codec.max_length), None, run, name)
        captured = _of_tokens(answers, shown, name)
    elif isinstance(codec, PictureCodec | FeaturesCodec):
        prepared = PreparedNetwork(preparation, answers).eval()
        drawn = prepared.samples(1, torch.Generator().manual_seed(0))
        captured = live_network(Answering(prepared.preparation, answers), drawn, name)
        shown = _picture(codec, run) if isinstance(codec, PictureCodec) else _row(codec, prepared, str(model.path))
    else:
        raise UsageError(
            f"The page shows networks that read pictures, rows of a table or texts; {model.path} reads "
            f"{preparation.described_inputs}."
        )
    return LivePage(name=name, network=captured, input=shown, classes=classes, unit=unit)


def _of_tokens(network: nn.Module, text: TextInput, name: str) -> LiveNetwork:
    """The network on as many tokens as the page computes."""
    row = torch.zeros((1, text.length), dtype=torch.int64)
    row[0, : text.length // 2] = len(SPECIAL_TOKENS)
    return live_network(Answering(nn.Identity(), network.eval()), [row], name)


def _text(encoder: TextEncoder, length: int, start: int | None, run: Path | None, name: str) -> TextInput:
    if encoder.tokenizer.name not in ("words", "characters", "bytes"):
        raise UsageError(
            f"The page cuts texts into words, characters or bytes; {name} reads {encoder.tokenizer.name}. "
            "Train it with --input tokenizer=words."
        )
    arrays = {} if run is None else read_examples(run)
    return TextInput(
        tokenizer=encoder.tokenizer.name,
        tokens=encoder.vocabulary.tokens,
        length=length,
        start=start,
        lowercase=encoder.lowercase,
        dotless=is_dotless(encoder.language),
        examples=[str(one) for one in arrays.get("inputs", ())[:_MOST_TEXTS]],
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
