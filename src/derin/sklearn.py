"""Estimators for scikit-learn: a network with its preparation in Pipeline, GridSearchCV and cross_val_score.

Training is `derin.fit` itself, in a folder that is gone afterwards; scikit-learn's own checks of estimators are a test
(`tests/api/test_sklearn.py`).
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from derin.api.bundles import save_model
from derin.api.fit import fit
from derin.api.model import open as open_model
from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.fields import ANY, Maybe, Required, checked_form
from derin.core.files import usable_path
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.splits import complete_splits
from derin.data.table import ColumnData, Dense, Table
from derin.readers.csv_table import Asked, read_frame
from derin.readers.table_recipe import SUBJECT

__all__ = ["DerinClassifier", "DerinRegressor"]

_ARRAY, _FEWEST_TO_CUT = "x", 10
_PREDICTED_AT_ONCE = 1_024
# What a saved estimator keeps in its card beside the network.
_CARD_FORM = {
    "estimator": Required(
        {
            "class": Required(str),
            "parameters": Required({}),
            "num_features": Required(int),
            "feature_names": Maybe([str]),
            "labels": Maybe({"type": Required(str), "values": Required([ANY])}),
        }
    )
}
_LABEL_TYPES = "biufU"  # of NumPy: what class labels may be in a saved file


class _Estimator(BaseEstimator):
    """What both estimators do alike: their inputs become a table, `derin.fit` trains, the network is kept."""

    def __init__(
        self,
        *,
        model: Any = None,
        model_options: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        schedule: Any = None,
        weight_decay: float | None = None,
        patience: int | None = None,
        max_seconds: float | None = None,
        validation_fraction: float = 0.1,
        kinds: Mapping[str, str] | None = None,
        seed: int = 0,
        device: str | None = None,
        plan: str = "plain",
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.model_options = model_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.patience = patience
        self.max_seconds = max_seconds
        self.validation_fraction = validation_fraction
        self.kinds = kinds
        self.seed = seed
        self.device = device
        self.plan = plan
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = False
        return tags

    def _fit(self, inputs: Table, target: Column, values: ColumnData, weights: npt.NDArray[np.float64] | None) -> None:
        """Trains on a table of inputs with its targets."""
        columns = {**inputs.columns, target.name: values}
        schema = (*inputs.schema, target)
        if weights is not None:
            weight = Column(name=_free_name("weight", columns), kind=Kind.NUMBER, role=Role.WEIGHT)
            columns[weight.name], schema = Dense(weights), (*schema, weight)
        table = replace(inputs, columns=columns, schema=Schema(schema), splits={"train": np.arange(len(inputs))})
        if not 0 <= self.validation_fraction < 0.5:
            raise UsageError(
                "validation_fraction is a share of the rows, from 0 for none to below 0.5; "
                f"got {self.validation_fraction!r}."
            )
        if self.validation_fraction and len(table) >= _FEWEST_TO_CUT:
            table = complete_splits(table, seed=self.seed, share=self.validation_fraction, wanted=("val",))
        # A network that is handed over stays as it is, so that a second fit begins where the first did.
        network: Any = copy.deepcopy(self.model)
        asked = {
            name: getattr(self, name)
            for name in (
                "model_options",
                "epochs",
                "batch_size",
                "optimizer",
                "learning_rate",
                "schedule",
                "weight_decay",
                "patience",
                "max_seconds",
                "device",
            )
        }
        options = {name: value for name, value in asked.items() if value is not None}
        with tempfile.TemporaryDirectory(prefix="derin-") as folder:
            run = fit(
                table,
                out=Path(folder) / "run",
                report=False,
                quiet=not self.verbose,
                compare=False,
                model=network,
                seed=self.seed,
                plan=self.plan,
                **options,
            )
            own = network if run.record["model"]["spec"].get("name") is None else None
            self.model_ = open_model(run.path, own)
            self.history_ = run.history
        self.n_iter_ = len(self.history_)

    def _read(self, X: Any, *, recipe: ReadingRecipe | None = None) -> Table:
        """The inputs as a table: an array as one column, a data frame as it is read from a file.

        Args:
            X: an array or a data frame.
            recipe: how the training data was read; None finds it out.
        """
        begins = recipe is None
        found = None if recipe is None else recipe.part(SUBJECT)
        if hasattr(X, "columns") and (begins or found):
            validate_data(self, X, skip_check_array=True, reset=begins)
            frame = X.rename(columns=str) if hasattr(X, "to_csv") else X
            asked = Asked(target=[], kinds=self.kinds or {})
            table = read_frame(frame, name="frame", asked=asked, found=found)
            if len(table) != len(X):
                raise DataError(
                    f"The data frame has {len(X):,} rows, of which {len(table):,} can be read; leave rows without any "
                    "value out."
                )
            return table
        values = validate_data(
            self, X, reset=begins, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan", ensure_min_samples=1
        )
        if not found:
            column = Column(name=_ARRAY, kind=Kind.NUMBER, role=Role.INPUT, shape=values.shape[1:])
            return Table(
                name="array",
                schema=Schema((column,)),
                columns={_ARRAY: Dense(values)},
                splits={},
                recipe=ReadingRecipe(),
            )
        raise UsageError(
            "The estimator was fitted on a data frame and finds its columns by their names; got an array. Give a data "
            "frame with the same columns."
        )

    def _outputs(self, X: Any, name: str) -> npt.NDArray[Any]:
        """One of the network's outputs for all rows."""
        import torch

        from derin.data.batch import Batch

        check_is_fitted(self, "model_")
        model = self.model_
        features = torch.from_numpy(model.preparation.read(self._read(X, recipe=model.recipe)))
        device = next(model.network.parameters()).device
        found = []
        with torch.inference_mode():
            for part in features.split(_PREDICTED_AT_ONCE):
                rows = model.preparation.to_model_input(part.to(device))
                outputs = model.task.predict(model.network, Batch({model.task.input: rows}, torch.arange(len(part))))
                found.append(outputs[name].numpy(force=True))
        return np.concatenate(found)

    def save(self, path: str | Path) -> None:
        """Writes the fitted estimator as a bundle, which holds no code and no pickle; `derin.open` opens it too.

        Args:
            path: of the bundle's folder; an existing bundle is replaced.

        Raises:
            UsageError: a class label or a parameter has no form in a file.
            sklearn.exceptions.NotFittedError: nothing is fitted yet.
        """
        check_is_fitted(self, "model_")
        labels = getattr(self, "classes_", None)
        if labels is not None and labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
            labels = labels.astype(np.str_)
        if labels is not None and labels.dtype.kind not in _LABEL_TYPES:
            raise UsageError(f"Class labels are saved as numbers, texts or booleans; got {labels.dtype}.")
        plain = (str, bool, int, float, type(None), dict)
        parameters = self.get_params(deep=False)
        own = [n for n, value in parameters.items() if not isinstance(value, plain)]
        if own and own != ["model"]:
            raise UsageError(
                f"Parameters that are objects have no form in a file: {', '.join(own)}; name them in text."
            )
        about = {
            "class": type(self).__name__,
            "parameters": {n: value for n, value in parameters.items() if n not in own},
            "num_features": int(self.n_features_in_),
            "feature_names": [str(n) for n in self.feature_names_in_] if hasattr(self, "feature_names_in_") else None,
            "labels": None if labels is None else {"type": labels.dtype.str, "values": labels.tolist()},
        }
        model = self.model_
        facts = {n: value for n, value in model.card.items() if n in ("data", "training", "metrics")}
        target = usable_path(path, "The estimator")
        save_model(target, model.network, model.task, model.preparation, {**facts, "estimator": about})

    @classmethod
    def load(cls, path: str | Path, model: Any = None) -> Self:
        """A fitted estimator that `save` wrote.

        Args:
            path: of the bundle.
            model: the network with fresh weights, where the estimator was given one of your own class.

        Raises:
            RefusedFileError: the bundle is damaged, or holds another estimator.
        """
        opened = open_model(path, model)
        where = f"The card of {path}"
        if "estimator" not in opened.card:
            raise RefusedFileError(f"{where} is of no estimator; open it with derin.open.")
        checked_form(opened.card, _CARD_FORM, where)
        about = opened.card["estimator"]
        if about["class"] != cls.__name__:
            raise RefusedFileError(f"{where} is of a {about['class']}, not of a {cls.__name__}; load it with that.")
        parameters = dict(about["parameters"])
        if unknown := sorted(set(parameters) - set(cls._get_param_names())):
            raise RefusedFileError(f"{where} is refused: its estimator has no parameter {unknown[0]!r}.")
        made = cls(**parameters)
        if model is not None:
            made.model = model
        made.model_, made.n_features_in_ = opened, about["num_features"]
        if about["feature_names"] is not None:
            made.feature_names_in_ = np.array(about["feature_names"], dtype=object)
        made._restore_labels(about["labels"], where)
        return made

    def _restore_labels(self, labels: Mapping[str, Any] | None, where: str) -> None:
        """Takes the class labels of a card; a regression has none."""


class DerinClassifier(ClassifierMixin, _Estimator):
    """A network that classifies, as an estimator of scikit-learn.

    Args:
        model: a registered name, an unbound `derin.Sequential`, any ``torch.nn.Module``; None takes ``mlp``.
        model_options: settings of a registered model, such as ``{"hidden": [64]}``.
        epochs, batch_size, optimizer, learning_rate, schedule, weight_decay, patience, max_seconds, device: as in
            `derin.fit`; None follows the recipe of network and data.
        validation_fraction: share of the rows that chooses the best epoch, from 10 rows on; 0 trains on all rows and
            keeps the last.
        kinds: what columns of a data frame hold, where that is found out wrongly: ``{"zip": "category"}``.
        seed: Random seed. Equal seeds and data give equal networks.
        plan: how a step is executed, as in `derin.fit`; ``"auto"`` measures what is fastest, and bits may then differ
            from one fit to the next.
        verbose: whether progress is told.

    Attributes:
        classes_: the class labels, sorted, ``(K,)``.
        n_features_in_: number of columns.
        feature_names_in_: their names, of a data frame.
        model_: the `derin.Model` with its preparation: it exports, explains and measures.
        history_: one record per epoch.
        n_iter_: epochs that were trained.

    Numbers may be missing (NaN). A data frame may hold numbers, categories, dates and gaps; it is read as a table in a
    file is, and columns that only name the rows are left out. Sparse matrices are refused, as scikit-learn does it.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from derin.sklearn import DerinClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> classifier = DerinClassifier(epochs=5, learning_rate=0.02).fit(X, y)
        >>> bool(classifier.score(X, y) > 0.9)
        True
        >>> classifier.predict_proba(X[:2]).shape
        (2, 3)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains on rows and their classes.

        Args:
            X: an array of numbers or a data frame, ``(N, F)``.
            y: class labels, ``(N,)``.
            sample_weight: how much each row counts in the loss, ``(N,)``.

        Raises:
            ValueError: the arguments do not fit together, or hold fewer than two classes.
            DataError: the data cannot be trained on.
        """
        labels = _targets(self, y)
        inputs = self._read(X)
        check_consistent_length(X, labels)
        check_classification_targets(labels)
        weights = _weights(sample_weight, len(labels))
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError(f"A classifier needs at least two classes; got 1 class: {self.classes_[0]!r}.")
        names = tuple(map(str, self.classes_.tolist()))
        name = _free_name("target", inputs.columns)
        target = Column(name=name, kind=Kind.CATEGORY, role=Role.TARGET, classes=names)
        self._fit(inputs, target, Dense(codes.astype(np.int64)), weights)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likeliest class of each row, ``(N,)``."""
        chosen = self.predict_proba(X).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[chosen]
        return labels

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """The probability of each class, in the order of ``classes_``, ``(N, K)``."""
        return self._outputs(X, "probabilities")

    def _restore_labels(self, labels: Mapping[str, Any] | None, where: str) -> None:
        try:
            kind = np.dtype((labels or {}).get("type", ""))
            if labels is None or kind.kind not in _LABEL_TYPES:
                raise ValueError
            self.classes_ = np.array(labels["values"], dtype=kind)
        except (TypeError, ValueError, OverflowError):
            raise RefusedFileError(f"{where} is refused: its class labels are damaged. Get the bundle again.") from None
        if self.classes_.shape != (len(self.model_.classes or ()),):
            raise RefusedFileError(f"{where} is refused: it has as many labels as classes; these differ.")


class DerinRegressor(RegressorMixin, _Estimator):
    """A network that predicts a number, as an estimator of scikit-learn.

    Args and attributes are those of `DerinClassifier`, but for ``classes_``.

    Example:
        >>> import numpy as np
        >>> from derin.sklearn import DerinRegressor
        >>> X = np.linspace(-1, 1, 200)[:, None]
        >>> regressor = DerinRegressor(epochs=5, learning_rate=0.01).fit(X, X[:, 0] ** 2)
        >>> bool(regressor.score(X, X[:, 0] ** 2) > 0.8)
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains on rows and their numbers.

        Args:
            X: an array of numbers or a data frame, ``(N, F)``.
            y: numbers, ``(N,)``.
            sample_weight: how much each row counts in the loss, ``(N,)``.

        Raises:
            ValueError: the arguments do not fit together.
            DataError: the data cannot be trained on.
        """
        numbers = _targets(self, y, numeric=True)
        inputs = self._read(X)
        check_consistent_length(X, numbers)
        weights = _weights(sample_weight, len(numbers))
        name = _free_name("target", inputs.columns)
        target = Column(name=name, kind=Kind.NUMBER, role=Role.TARGET)
        self._fit(inputs, target, Dense(numbers), weights)
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """The number of each row, ``(N,)``."""
        return self._outputs(X, "value")


def _targets(estimator: BaseEstimator, y: Any, *, numeric: bool = False) -> npt.NDArray[Any]:
    """The targets as one axis without gaps, refused in scikit-learn's words."""
    from sklearn.utils.validation import check_array

    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    values = column_or_1d(y, warn=True)
    if numeric:
        return np.asarray(check_array(values, ensure_2d=False, dtype=np.float64, input_name="y"), dtype=np.float64)
    checked: npt.NDArray[Any] = check_array(values, ensure_2d=False, dtype=None, input_name="y")
    return checked


def _weights(sample_weight: Any, num: int) -> npt.NDArray[np.float64] | None:
    """How much each row counts, or None where nothing was said."""
    if sample_weight is None:
        return None
    rows = np.empty((num, 1))
    weights: npt.NDArray[np.float64] = _check_sample_weight(
        sample_weight, rows, dtype=np.float64, ensure_non_negative=True, ensure_same_device=False
    )
    return weights


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    """The name, with lines below it until no column has it."""
    while name in taken:
        name += "_"
    return name
