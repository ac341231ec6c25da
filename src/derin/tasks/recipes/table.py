"""Which network has which recipe."""

from __future__ import annotations

from collections.abc import Callable

from derin.data.table import Table
from derin.tasks.recipes import language, restoring, series, small, tagging, text, translation, word_vectors, zoo
from derin.tasks.recipes.comparing import COMPARING, for_comparing
from derin.tasks.recipes.facts import Facts, Recipe, facts_of, with_notes

# Every name of the registry of models stands here on purpose; a new one is given its recipe with its registration.
RECIPES: dict[str, Callable[[Facts], Recipe]] = {
    "perceptron": small.linear,
    "linear": small.linear,
    "logistic": small.linear,
    "mlp": small.mlp,
    "lenet5": small.lenet,
    "lenet5_1998": small.lenet_1998,
    "convnet": small.convnet,
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), zoo.residual),
    **dict.fromkeys(("resnet20", "resnet32", "resnet44", "resnet56", "resnet110"), zoo.small_residual),
    **dict.fromkeys(("plain18", "plain34"), zoo.residual),
    **dict.fromkeys(("plain20", "plain32", "plain44", "plain56", "plain110"), zoo.small_residual),
    **dict.fromkeys(("alexnet", "alexnet_2012", "vgg11", "vgg13", "vgg16", "vgg19"), zoo.unnormalized),
    **dict.fromkeys(("googlenet", "squeezenet1_0", "squeezenet1_1", "facenet_nn1"), zoo.unnormalized),
    **dict.fromkeys(("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"), zoo.normalized),
    **dict.fromkeys(("densenet121", "googlenet_bn", "inception_v3"), zoo.normalized),
    **dict.fromkeys(("mobilenet_v1", "mobilenet_v2"), zoo.depthwise),
    "efficientnet_b0": zoo.swish,
    "convnext_tiny": zoo.transformer,
    "vit_s_16": zoo.transformer,
    "facenet_nn4_small2": zoo.embedding,
    "mobilefacenet": zoo.embedding,
    **dict.fromkeys(("mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet", "sensor_fusion"), small.own_network),
    "edsr": restoring.edsr,
    "unet": restoring.unet,
    "unet_trunk": zoo.unet_trunk,
    **dict.fromkeys(("yolo", "yolo_grid", "yolo_large", "localizer"), zoo.detection),
    **dict.fromkeys(("landmark_regressor", "landmark_heatmaps"), zoo.landmarks),
    "dcgan_discriminator": zoo.normalized,
    "dcgan_generator": small.own_network,
    "dcgan": small.dcgan,
    "flow_unet": small.flow_unet,
    "vae": small.vae,
    **dict.fromkeys(("skip_gram", "cbow"), word_vectors.predicting),
    "glove": word_vectors.counting,
    "text_bag": text.bag,
    "text_average": text.average,
    "text_cnn": text.convolutional,
    **dict.fromkeys(("text_lstm", "text_gru"), text.recurrent),
    "bilstm_crf": tagging.bilstm_crf,
    "lstm_lm": language.recurrent,
    "neural_lm": language.fixed_window,
    "transformer_lm": language.transformer,
    "series_mlp": series.dense,
    **dict.fromkeys(("nlinear", "dlinear"), series.linear),
    **dict.fromkeys(("series_lstm", "series_gru", "series_tcn"), series.recurrent),
    **dict.fromkeys(("seq2seq_gru", "seq2seq_attention"), translation.recurrent),
    "transformer": translation.transformer,
}


def recipe(model_name: str, table: Table | Facts) -> Recipe:
    """The settings for a network on a table.

    Args:
        model_name: in the registry of models, or any other name for a network of one's own.
        table: the data, or what is known about it.

    Example:
        >>> recipe("convnet", Facts(num_train=1_400, picture_size=(8, 8), channels=1)).settings["batch_size"]
        32
        >>> recipe("resnet20", Facts(num_train=50_000, picture_size=(32, 32), channels=3, mirrored=True)).augmentation
        'flip,crop_padding=4'
    """
    facts = facts_of(table) if isinstance(table, Table) else table
    found = with_notes(RECIPES.get(model_name, small.own_network)(facts), facts)
    return for_comparing(found, facts) if facts.task == COMPARING else found
