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
        "lenet5_1998": "derin.models.lenet:LENET5_1998",
        "convnet": "derin.models.convnet:CONVNET",
        "sensor_fusion": "derin.models.sensor_fusion:SENSOR_FUSION",
        "resnet20": "derin.models.resnet:RESNET20",
        "resnet32": "derin.models.resnet:RESNET32",
        "resnet44": "derin.models.resnet:RESNET44",
        "resnet56": "derin.models.resnet:RESNET56",
        "resnet110": "derin.models.resnet:RESNET110",
        "resnet18": "derin.models.resnet:RESNET18",
        "resnet34": "derin.models.resnet:RESNET34",
        "resnet50": "derin.models.resnet:RESNET50",
        "resnet101": "derin.models.resnet:RESNET101",
        "resnet152": "derin.models.resnet:RESNET152",
        "plain20": "derin.models.resnet:PLAIN20",
        "plain32": "derin.models.resnet:PLAIN32",
        "plain44": "derin.models.resnet:PLAIN44",
        "plain56": "derin.models.resnet:PLAIN56",
        "plain110": "derin.models.resnet:PLAIN110",
        "plain18": "derin.models.resnet:PLAIN18",
        "plain34": "derin.models.resnet:PLAIN34",
        "mobilenet_v1": "derin.models.mobilenet:MOBILENET_V1",
        "mobilenet_v2": "derin.models.mobilenet:MOBILENET_V2",
        "efficientnet_b0": "derin.models.efficientnet:EFFICIENTNET_B0",
        "convnext_tiny": "derin.models.convnext:CONVNEXT_TINY",
        "vit_s_16": "derin.models.vit:VIT_S_16",
        "alexnet": "derin.models.alexnet:ALEXNET",
        "alexnet_2012": "derin.models.alexnet:ALEXNET_2012",
        "vgg11": "derin.models.vgg:VGG11",
        "vgg13": "derin.models.vgg:VGG13",
        "vgg16": "derin.models.vgg:VGG16",
        "vgg19": "derin.models.vgg:VGG19",
        "vgg11_bn": "derin.models.vgg:VGG11_BN",
        "vgg13_bn": "derin.models.vgg:VGG13_BN",
        "vgg16_bn": "derin.models.vgg:VGG16_BN",
        "vgg19_bn": "derin.models.vgg:VGG19_BN",
        "densenet121": "derin.models.densenet:DENSENET121",
        "googlenet": "derin.models.googlenet:GOOGLENET",
        "googlenet_bn": "derin.models.googlenet:GOOGLENET_BN",
        "inception_v3": "derin.models.inception:INCEPTION_V3",
        "facenet_nn1": "derin.models.facenet:FACENET_NN1",
        "facenet_nn4_small2": "derin.models.facenet:FACENET_NN4_SMALL2",
        "mobilefacenet": "derin.models.mobilefacenet:MOBILEFACENET",
        "mtcnn_pnet": "derin.models.mtcnn:PNET",
        "mtcnn_rnet": "derin.models.mtcnn:RNET",
        "mtcnn_onet": "derin.models.mtcnn:ONET",
        "edsr": "derin.models.edsr:EDSR_INFO",
        "unet": "derin.models.unet:UNET",
        "unet_trunk": "derin.models.unet_trunk:UNET_TRUNK",
        "yolo": "derin.models.yolo:YOLO",
        "yolo_grid": "derin.models.yolo_grid:YOLO_GRID",
        "localizer": "derin.models.localizer:LOCALIZER",
        "yolo_large": "derin.models.yolo:YOLO_LARGE",
        "landmark_regressor": "derin.models.landmark_networks:LANDMARK_REGRESSOR",
        "landmark_heatmaps": "derin.models.landmark_networks:LANDMARK_HEATMAPS",
        "flow_unet": "derin.models.flow_unet:FLOW_UNET",
        "dcgan_generator": "derin.models.dcgan:GENERATOR",
        "dcgan_discriminator": "derin.models.dcgan:DISCRIMINATOR",
        "squeezenet1_0": "derin.models.squeezenet:SQUEEZENET1_0",
        "squeezenet1_1": "derin.models.squeezenet:SQUEEZENET1_1",
        "text_bag": "derin.models.text_bag:TEXT_BAG",
        "text_average": "derin.models.text_average:TEXT_AVERAGE",
        "text_cnn": "derin.models.text_cnn:TEXT_CNN",
        "text_lstm": "derin.models.text_rnn:TEXT_LSTM",
        "text_gru": "derin.models.text_rnn:TEXT_GRU",
        "bilstm_crf": "derin.models.tagger:BILSTM_CRF",
        "neural_lm": "derin.models.neural_lm:NEURAL_LM",
        "lstm_lm": "derin.models.lstm_lm:LSTM_LM",
        "transformer_lm": "derin.models.transformer_lm:TRANSFORMER_LM",
        "seq2seq_gru": "derin.models.seq2seq:SEQ2SEQ_GRU",
        "seq2seq_attention": "derin.models.seq2seq:SEQ2SEQ_ATTENTION",
        "transformer": "derin.models.transformer:TRANSFORMER",
        "skip_gram": "derin.models.skip_gram:SKIP_GRAM",
        "cbow": "derin.models.skip_gram:CBOW",
        "glove": "derin.models.glove:GLOVE",
        "series_mlp": "derin.models.series_mlp:SERIES_MLP",
        "nlinear": "derin.models.series_linear:NLINEAR",
        "dlinear": "derin.models.series_linear:DLINEAR",
        "series_lstm": "derin.models.series_rnn:SERIES_LSTM",
        "series_gru": "derin.models.series_rnn:SERIES_GRU",
        "series_tcn": "derin.models.series_tcn:SERIES_TCN",
    },
)
