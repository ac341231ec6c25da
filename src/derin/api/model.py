"""A saved network in use."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import DerinWarning, UsageError
from derin.core.messages import localize
from derin.data.known_rows import KNOWN_ROWS

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from derin.api.errors import ErrorAnalysis
    from derin.api.evaluation import Evaluation
    from derin.api.explanation import Explanation
    from derin.api.files import FileForm
    from derin.api.forecast import Forecasts
    from derin.api.generate import GeneratedText, MadePictures
    from derin.api.video import VideoAnswers
    from derin.core.bundle import Bundle
    from derin.data.preparation import Preparation
    from derin.data.recipe import ReadingRecipe
    from derin.models.inference import TracedInference
    from derin.tasks.scoring import TextScore
    from derin.tasks.translation import Translated


class Model:
    """A trained network with its preparation and task: from what a person has to names and probabilities.

    Attributes:
        card: what the bundle says about itself.
        network: the `torch.nn.Module`, in eval mode, which computes the predictions. After `warm_up` a faster program
            does, as long as the network is what it was then; a changed weight is seen at once.
        task: decodes outputs.
        preparation: from raw input to the network's input.
        known_rows: the hashes of the examples that it was trained on, as a file; see `derin.data.known_rows`.
    """

    def __init__(self, network: nn.Module, task: Any, preparation: Preparation, bundle: Bundle) -> None:
        self.network, self.task, self.preparation = network, task, preparation
        self._warm: TracedInference | None = None
        self.card, self.path = bundle.card, bundle.path
        self.known_rows: bytes | None = bundle.files().get(KNOWN_ROWS)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Class names, or None for a regression."""
        return self.task.classes or None

    def predict(self, inputs: Any, *, batch_size: int = 256) -> Any:
        """What the network says about one input or many.

        Args:
            inputs: a path, a picture, an array, a row (dict or data frame row), or a list, array or data frame of them;
                of texts also a text (a word that is the name of a file is that file), and a list of texts; of several
                inputs a dict by name, a tuple in their order, or a .npz.
            batch_size: inputs per forward pass.

        Returns:
            for one input a `Prediction`, which reads like the list of its classes, best first (for a regression a
            `Value`); for many a list of these. Of a table in a file every row has an answer, in order; that of a row
            that cannot be read is a `NoAnswer`.

        Raises:
            DataError: an input that cannot be read.
            ShapeError: an array of a size or type that does not fit.
            UsageError: it is a video, which `predict_video` answers.
        """
        answers = self.predictions(inputs, batch_size=batch_size)
        form = self._file_form(inputs)
        is_many = len(answers) != 1 or not self.preparation.is_single(inputs) or (form is not None and form.is_many)
        return answers if is_many else answers[0]

    def predictions(self, inputs: Any, *, batch_size: int = 256) -> list[Any]:
        """As `predict`, as a list of `Prediction` whatever came."""
        form = self._file_form(inputs)
        if form is not None:
            return form.answers(self, Path(inputs), batch_size)
        if self.preparation.medium == "pictures" and isinstance(inputs, str | Path):
            self._refuse_video(Path(inputs))
        device = next(self.network.parameters()).device
        return self.task.answers(self._computing, self.preparation, inputs, batch_size=batch_size, device=device)

    def _refuse_video(self, path: Path) -> None:
        from derin.api.video import is_video

        if is_video(path):
            raise UsageError(
                f"{path} is a video, and predict answers pictures; predict_video({str(path)!r}) answers each frame."
            )

    def predict_video(self, path: str | Path, *, out: str | Path | None = None, track: bool = False) -> VideoAnswers:
        """What the network says of each frame of a video, one after the other, whatever its length.

        Args:
            path: of a video, or of a folder whose pictures are its frames.
            out: where the video is written with the answers drawn on it, once the last frame was answered: .mp4, .mov,
                .mkv or .webm. Rotation is carried out, the times of frames are kept, sound is not.
            track: whether boxes get numbers that stay with the things they are around; see
                `derin.data.box_tracking.BoxTracker`.

        Returns:
            an iterator of `derin.api.video.FrameAnswer`: ``frame``, ``seconds`` and ``answer``.

        Raises:
            DataError: the video cannot be read, or holds no moving pictures.
            MissingExtraError: PyAV is not installed.
            UsageError: the network reads no pictures, ``out`` names no form of videos, or nothing can be tracked.
        """
        from derin.api.video import VideoAnswers

        return VideoAnswers(self, path, out=out, track=track)

    def _file_form(self, inputs: Any) -> FileForm | None:
        """How what came is answered where it is a file of many inputs."""
        from derin.api.files import file_form

        form = file_form(self.preparation.medium) if isinstance(inputs, str | Path) else None
        return form if form is not None and form.holds(inputs) else None

    @property
    def _computing(self) -> Any:
        """The network; behind its programs once `warm_up` has made some."""
        return self.network if self._warm is None else self.warm_network()

    def row_predictions(self, rows: np.ndarray, *, batch_size: int = 256) -> list[Any]:
        """As `predictions`, of rows that `preparation.read` gave: what is read once is not read again."""
        device = next(self.network.parameters()).device
        return self.task.row_answers(self._computing, self.preparation, rows, batch_size=batch_size, device=device)

    def warm_up(self, *batch_sizes: int, with_onnx: bool = True) -> dict[int, dict[str, float]]:
        """Gets ready for many predictions in a process that stays, such as a server; see `derin.api.warm_up`.

        Called again after weights were changed, it gets ready anew.
        """
        from derin.api.warm_up import warm_up

        return warm_up(self, *batch_sizes, with_onnx=with_onnx)

    def evaluate(
        self,
        data: Any,
        *,
        split: str | None = None,
        target: str | None = None,
        loss: Callable[..., Any] | Mapping[str, Callable[..., Any]] | None = None,
        metrics: Mapping[str, Any] | None = None,
        one_shot: int | None = None,
        judge: str | Path | None = None,
    ) -> Evaluation:
        """The task's metrics on data with known answers, which is read as the training data was.

        Args:
            data: whatever `derin.load` takes; of arrays also a Dataset, a DataLoader or batches.
            split: ``"train"``, ``"val"``, ``"test"``, ``"all"``, or ``"new"``: the examples that the network was not
                trained on. None takes the test split of the data that the network was trained on (val where there is
                no test) or that comes with one, and all rows otherwise.
            target: the column with the answers, where it has another name than in training.
            loss, metrics: of a network on data of its owner's form, as `derin.fit` was given them: no file holds them.
            one_shot: of embeddings, among so many classes an example is told, of each of which one example is known;
                see `derin.tasks.metrics.comparing.one_shot_accuracy`, whose figures are then the metric ``one_shot``.
            judge: of a network that makes pictures, the run or bundle of a classifier that judges them; see
                `derin.api.judging.judge_pictures`, whose figures are then among the metrics.

        Returns:
            metrics by name, how many examples they were measured on (it unpacks into these two), and in ``notes`` what
            must be known beside them, such as how many of these examples the network was trained on.

        Raises:
            UsageError: there is no such split.
            DataError: the data cannot be read as the training data was.
        """
        from derin.api.evaluation import evaluate, evaluate_own

        if self.task.is_own:
            found = evaluate_own(self, data, split=split, target=target, loss=loss, metrics=metrics)
        elif loss is not None or metrics is not None:
            raise UsageError(f"The task {self.task.name!r} has its loss and metrics; leave loss and metrics out.")
        else:
            judging = None if judge is None else open(judge, device=str(next(self.network.parameters()).device))
            found = evaluate(self, data, split=split, target=target, one_shot=one_shot, judge=judging)
        for note in found.notes:
            warnings.warn(localize(note), DerinWarning, stacklevel=2)
        return found

    def errors(self, data: Any = None, **options: Any) -> ErrorAnalysis:
        """The mistakes on data with known answers, by tag; see `derin.api.errors.find_errors`.

        Example:
            >>> import derin, tempfile
            >>> run = derin.fit("iris", epochs=3, out=tempfile.mkdtemp() + "/iris")
            >>> found = run.model().errors()
            >>> found.measured.num_examples, len(found.mistakes) == found.measured.num_mistakes
            (30, True)
        """
        from derin.api.errors import find_errors

        return find_errors(self, data, **options)

    def explain(self, inputs: Any = None, method: str = "grad_cam", **options: Any) -> Explanation:
        """Looks inside the network.

        Args:
            inputs: pictures, or arrays by name, as `predict` takes them; none for ``"filters"``; for ``"importance"`` a
                table with its answers, or none for the rows of validation.
            method: ``"grad_cam"``, ``"integrated_gradients"``, ``"occlusion"``, ``"activations"``, ``"filters"``,
                ``"deconvnet"`` or ``"importance"``.
            options: of that method; see `derin.api.explain_heat`, `explain_layers` and `explain_importance`.

        Returns:
            the numbers (``.found``, ``.to_json()``), and a drawing that a notebook shows and ``.save(path)`` writes.

        Raises:
            UnknownNameError: there is no such method, class or layer.
            UsageError: the network reads something else than the method looks at, or the method needs a convolution
                and there is none.
        """
        from derin.api.explain import explain

        return explain(self, inputs, method, **options)

    def generate(self, prompt: str = "", **options: Any) -> list[GeneratedText]:
        """Texts that a language model writes on from a prompt; see `derin.api.generate.generate`."""
        from derin.api.generate import generate

        return generate(self, prompt, **options)

    def make_pictures(self, num: int = 16, *, seed: int = 0, **wishes: Any) -> MadePictures:
        """New pictures of a generator; see `derin.api.generate.make_pictures`."""
        from derin.api.generate import make_pictures

        return make_pictures(self, num, seed=seed, **wishes)

    def save_way(self, path: str | Path, num: int = 16, *, seed: int = 0, **wishes: Any) -> Path:
        """The way from noise to pictures of a flow as a GIF; see `derin.api.generate.save_way`."""
        from derin.api.generate import save_way

        return save_way(self, path, num, seed=seed, **wishes)

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """How probable a language model finds sentences; see `derin.api.score.score`."""
        from derin.api.score import score

        return score(self, texts)

    def translate(self, texts: Sequence[str], **options: Any) -> list[Translated]:
        """Texts in the other language; see `derin.api.translate.translate`."""
        from derin.api.translate import translate

        return translate(self, texts, **options)

    def forecast(self, data: Any = None, *, horizon: int | None = None, baseline: str | None = None) -> Forecasts:
        """The coming steps of a series; see `derin.api.forecast.forecast`."""
        from derin.api.forecast import forecast

        return forecast(self, data, horizon=horizon, baseline=baseline)

    def export(self, path: str | Path, *, format: str | None = None, with_preparation: bool = False) -> dict[str, Any]:
        """Writes the network for other programs.

        Args:
            path: of the file; an existing one is replaced.
            format: ``"onnx"``, or ``"safetensors"`` for the weights alone; None takes it from the file's name.
            with_preparation: one file from what files hold to answers (ONNX; pictures, sounds, tables, series).

        Shapes:
            an ONNX file maps float32 ``input`` ``(batch, *input_shape)`` to ``output``, what the network gives, and to
            the answers: ``probabilities`` and ``label`` (the place of the class) or ``labels``; ``value`` in the
            target's unit; of several columns ``"<column>/value"`` and so on. With preparation the answers come first,
            and what is read are uint8 pixels ``(batch, height, width, channels)``; samples ``(batch, length)``; or one
            input for each column of the table, float64 numbers, strings for categories, dates as float64 seconds since
            1970, NaN and "" where missing; or the last steps of a series as float64. The metadata says all that is
            needed to use them.

        Returns:
            path, format, size in bytes; for ONNX also name, type and shape of inputs and outputs (and of the first of
            each as ``input`` and ``output``), and the largest difference from the network, at most 1e-4 of the largest
            number of an output.

        Raises:
            MissingExtraError: ONNX was asked for and is not installed.
            UsageError: the network cannot be written in this form.
        """
        from derin.api.export import export

        return export(self, path, format=format, with_preparation=with_preparation)

    def __repr__(self) -> str:
        name = self.card["model"].get("name") or self.card["model"].get("class")
        return f"Model({str(self.path)!r}, model={name!r}, task={self.task.name!r})"

    @property
    def has_fast_form(self) -> bool:
        """Whether predictions may go through a faster form of the network."""
        # It is recorded from one input of numbers, and would keep that one's lengths for texts and series.
        return self.preparation.has_fixed_shape and self.preparation.medium != "arrays"

    def warm_network(self) -> TracedInference:
        """The network behind its programs, without any where the user put another network in its place."""
        from derin.models.inference import TracedInference

        if self._warm is None or self._warm.network is not self.network:
            self._warm = TracedInference(self.network)
        return self._warm

    @property
    def recipe(self) -> ReadingRecipe:
        """How the training data was read, and other data is to be."""
        from derin.api.reading import recipe_of

        return recipe_of(self.card, self.path)


def open(path: str | Path, model: nn.Module | None = None, *, device: str = "cpu") -> Model:
    """A saved network, ready to use. Reading a bundle never runs code.

    Args:
        path: a run, a bundle, or published weights that are known: their file or their name in `derin weights`.
        model: the network with fresh weights, where the bundle was saved from a class of your own.
        device: where predictions are computed.

    Raises:
        RefusedFileError: the bundle is damaged, hostile, or of a newer Derin.
        UsageError: there is no bundle, or it needs `model`.
    """
    from derin.core.files import usable_path

    # Before torch is loaded, which takes longer than to see that nothing is there.
    place = usable_path(path, "The model")
    from derin.api.bundles import load_model
    from derin.core.devices import device_named
    from derin.models.weights.known import BY_NAME

    if place.is_file() or (str(path) in BY_NAME and not place.exists()):
        from derin.api.published import open_published

        if model is not None:
            raise UsageError(f"The published weights {path} name their own network; leave `model` out.")
        network, task, preparation, bundle = open_published(path)
    else:
        network, task, preparation, bundle = load_model(place, model)
    return Model(network.to(device_named(device)), task, preparation, bundle)
