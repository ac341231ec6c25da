"""New text from a trained language model, new pictures from a trained generator."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import DerinWarning, UsageError
from derin.core.files import storage_errors, usable_path
from derin.core.messages import translate

if TYPE_CHECKING:
    import numpy as np

    from derin.api.model import Model


@dataclass(frozen=True)
class GeneratedText:
    """A text that a language model wrote.

    Args:
        prompt: what it goes on from.
        text: the prompt and what follows.
    """

    prompt: str
    text: str

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        return {"prompt": self.prompt, "text": self.text}


@dataclass(frozen=True)
class MadePictures:
    """Pictures that a generator made.

    Args:
        pixels: the pictures.
        seed: of the noise that they were made from.

    Shapes:
        pixels ``(N, height, width, 1 or 3)`` uint8.
    """

    pixels: np.ndarray
    seed: int

    def save(self, path: str | Path) -> Path:
        """Writes all of them on one sheet, in about as many lines as columns."""
        from derin.core.files import open_atomically
        from derin.tasks.made_pictures import grid

        columns = min(math.ceil(math.sqrt(len(self.pixels))), _MOST_COLUMNS)
        path = usable_path(path, "The picture")
        if path.suffix.lower() != ".png":
            raise UsageError(f"Pictures are written as PNG; got {path.name!r}. Name it such as samples.png.")
        with storage_errors(f"The picture {path}"), open_atomically(path) as file:
            grid(self.pixels, columns).save(file, format="PNG")
        return path

    def to_json(self) -> dict[str, Any]:
        num, height, width, channels = self.pixels.shape
        return {"num": num, "height": height, "width": width, "channels": channels, "seed": self.seed}


def generate(
    model: Model,
    prompt: str = "",
    *,
    num_texts: int = 1,
    num_tokens: int = 300,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float = 1.0,
    seed: int = 0,
    until: str | None = None,
) -> list[GeneratedText]:
    """Texts that go on from a prompt.

    A model of words ends a text with the sentence; other models end it with `until`, or when it is long enough.

    Args:
        model: a saved language model, of `derin.open`.
        prompt: where every text begins; empty begins a new line.
        num_texts: how many texts.
        num_tokens: the most new tokens of each (characters, words, bytes or byte pairs).
        temperature: below 1 the likely becomes likelier, 0 takes the likeliest token always.
        top_k: only so many of the likeliest tokens may come; None allows all.
        top_p: only the likeliest tokens that together reach this probability may come.
        seed: the same seed writes the same texts.
        until: a text ends before these characters, such as a blank line (two line feeds).

    Raises:
        UsageError: the model is no language model, or the prompt has characters that it does not know.
    """
    from derin.data.text.vocabulary import EOS
    from derin.tasks.generation import Sampling
    from derin.tasks.generation import generate as draw
    from derin.tasks.language_findings import never_drawn
    from derin.tasks.scoring import as_language_model, stream_of

    stream = stream_of(model.preparation)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    network = as_language_model(model.network)
    encoder = stream.encoder
    check_known(model, [prompt], where="prompt")
    stop = EOS if stream.start_token == EOS else None
    given = encoder.encode([prompt]).flat.tolist()
    tokens = draw(
        network,
        [stream.start_token, *given],
        num_texts=num_texts,
        num_tokens=num_tokens,
        sampling=sampling,
        banned=never_drawn(stop),
        stop=stop,
    )
    found = []
    for row in tokens.cpu().tolist():
        text = encoder.decode([*given, *row])
        # What the prompt itself holds does not end the text.
        begin = len(encoder.decode(given))
        end = -1 if not until else text.find(until, begin)
        found.append(GeneratedText(prompt, text if end < 0 else text[:end]))
    return found


def make_pictures(model: Model, num: int = 16, *, seed: int = 0, **wishes: Any) -> MadePictures:
    """New pictures of a trained network that makes some.

    Args:
        model: a saved model of ``--task gan``, ``vae`` or ``flow``, of `derin.open`.
        num: how many.
        seed: the same seed makes the same pictures.
        wishes: what a flow is told, `label` (a class) or `text` (a description), and how it is followed: `steps`,
            `guidance` and `method`; see `derin.tasks.flow.Flow.way`. A variational autoencoder takes `sources`: one
            picture (a path, a Pillow picture or an array) gives itself, as the network reads it, and what the decoder
            makes of its code; two give `num` pictures on the way from one's code to the other's.

    Raises:
        UsageError: the model makes no pictures, or not by such wishes.
    """
    asked = {name: value for name, value in wishes.items() if value is not None}
    task = _picture_maker(model, num, asked)
    if "sources" in asked:
        return MadePictures(_from_others(model, num, asked["sources"]), seed)
    return MadePictures(task.make_pictures(model.network, num, seed=seed, **asked), seed)


def save_way(model: Model, path: str | Path, num: int = 16, *, seed: int = 0, **wishes: Any) -> Path:
    """Writes the way from noise to pictures as an animated GIF: the arguments are those of `make_pictures`.

    Raises:
        UsageError: the model is no flow, or the file no GIF.
    """
    from derin.tasks.flow import Flow
    from derin.tasks.made_pictures import save_way as write

    asked = {name: value for name, value in wishes.items() if value is not None}
    task = _picture_maker(model, num, asked)
    path = usable_path(path, "The way")
    if not isinstance(task, Flow):
        raise UsageError(f"A way from noise has a run of --task flow; this one is of {task.name}.")
    if path.suffix.lower() != ".gif":
        raise UsageError(f"The way from noise is written as GIF; got {path.name!r}. Name it such as way.gif.")
    with storage_errors(f"The way {path}"):
        write(path, task.frames(model.network, num, seed=seed, **asked))
    return path


def _picture_maker(model: Model, num: int, asked: dict[str, Any]) -> Any:
    """The task, if it makes so many pictures by such wishes."""
    from derin.tasks.flow import Flow
    from derin.tasks.picture_maker import PictureMaker
    from derin.tasks.vae import VAE

    if not isinstance(model.task, PictureMaker):
        raise UsageError(
            f"Pictures are made by a run such as of --task gan, vae or flow; this one is of {model.task.name}."
        )
    if not 1 <= num <= _MOST_PICTURES:
        raise UsageError(f"From 1 to {_MOST_PICTURES:,} pictures can be made at once; got num={num}.")
    if isinstance(model.task, VAE):
        if others := set(asked) - {"sources"}:
            raise UsageError(f"A vae makes pictures from a code; leave {', '.join(sorted(others))} out.")
        return model.task
    if "sources" in asked:
        raise UsageError(f"Pictures are made from others by a run of --task vae; this one is of {model.task.name}.")
    if unknown := set(asked) - _WISHES:
        raise UsageError(f"Pictures are made by {', '.join(sorted(_WISHES))}; got {', '.join(sorted(unknown))}.")
    if asked and not isinstance(model.task, Flow):
        raise UsageError(f"A {model.task.name} makes pictures from noise alone; leave {', '.join(asked)} out.")
    return model.task


def _from_others(model: Model, num: int, sources: Sequence[Any]) -> np.ndarray:
    """A picture and the same made again, or the way between two."""
    import numpy as np
    import torch

    from derin.tasks.picture_maker import to_pixels

    if not 1 <= len(sources) <= 2:
        raise UsageError(f"Give one picture, or two for the way between them; got {len(sources)}.")
    read = model.preparation.read(list(sources))
    x = model.preparation.to_model_input(torch.from_numpy(read).to(next(model.network.parameters()).device))
    if len(sources) == 2:
        return to_pixels(model.task.walk(model.network, x[0], x[1], num))
    return np.concatenate([read, to_pixels(model.task.rebuild(model.network, x))])


def check_known(model: Model, texts: list[str], *, where: str) -> None:
    """Refuses a prompt with characters that the model never saw; unknown words are read as ``<UNK>``, and told.

    Raises:
        UsageError: a character that is unknown.
    """
    from derin.tasks.scoring import stream_of, unknown_pieces

    encoder = stream_of(model.preparation).encoder
    unknown = list(dict.fromkeys(piece for text in texts for piece in unknown_pieces(encoder, text)))
    if not unknown:
        return
    listed = ", ".join(map(repr, unknown[:_MOST_LISTED])) + (", …" if len(unknown) > _MOST_LISTED else "")
    if encoder.tokenizer.name == "words":
        warnings.warn(translate("language.unknown_words", words=listed), DerinWarning, stacklevel=3)
        return
    raise UsageError(
        f"The {where} must be written in characters that the model saw in training; it does not know {listed}. "
        "Leave them out, or train on a text that has them."
    )


_WISHES = {"label", "text", "steps", "guidance", "method"}
_MOST_LISTED = 8
_MOST_PICTURES = 10_000
_MOST_COLUMNS = 16
