"""The table of models. Reading it imports no torch; a model's file is imported when the model is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points

from derin.core.errors import UsageError
from derin.core.registry import Registry
from derin.models.info import ModelInfo

__all__ = ["MODELS", "ModelInfo", "ModelRegistry"]


class ModelRegistry(Registry[ModelInfo]):
    """The built-in models, and those that installed packages offer under the entry point ``derin.models``.

    An installed package is read when a name is looked up that is not built in, or when the names are listed; a saved
    file never chooses what is imported. A built-in name cannot be taken.

    Example:
        >>> MODELS["lenet5"].native_input
        (1, 32, 32)
        >>> "resnet20" in MODELS
        True
    """

    _searched = False

    def __getitem__(self, name: str) -> ModelInfo:
        if not super().__contains__(name):
            self._search_installed()
        info = super().__getitem__(name)
        if not isinstance(info, ModelInfo):
            raise UsageError(f"The model {name!r} must be registered as a ModelInfo; got {type(info).__name__}.")
        return info

    def __contains__(self, name: object) -> bool:
        if not super().__contains__(name):
            self._search_installed()
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._search_installed()
        return super().__iter__()

    def _search_installed(self) -> None:
        if not self._searched:
            self._searched = True
            for point in entry_points(group="derin.models"):
                self._targets.setdefault(point.name, point.value)


MODELS = ModelRegistry(
    "model",
    {
        "perceptron": "derin.models.linear:PERCEPTRON",
        "linear": "derin.models.linear:LINEAR",
        "logistic": "derin.models.linear:LOGISTIC",
        "mlp": "derin.models.mlp:MLP_INFO",
        "lenet5": "derin.models.lenet:LENET5",
        "convnet": "derin.models.convnet:CONVNET",
        "resnet20": "derin.models.resnet:RESNET20",
        "resnet18": "derin.models.resnet:RESNET18",
    },
)
