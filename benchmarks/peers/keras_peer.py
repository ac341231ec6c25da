"""Keras 3 on the back end of KERAS_BACKEND, compiled by default; mixed_bfloat16 where everybody may use their best."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers

from peers.clock import Clock
from peers.work import WORKS, arguments, data, normalized


def mlp() -> keras.Model:
    return keras.Sequential(
        [layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(10)]
    )


def cnn() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )


def resnet18() -> keras.Model:
    def norm(x):
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    def conv(x, channels, size, stride):
        return layers.Conv2D(channels, size, stride, padding="same", use_bias=False)(x)

    inputs = layers.Input((32, 32, 3))
    x = layers.ReLU()(norm(conv(inputs, 64, 3, 1)))
    for channels, first_stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first_stride, 1):
            y = layers.ReLU()(norm(conv(x, channels, 3, stride)))
            y = norm(conv(y, channels, 3, 1))
            if stride != 1 or x.shape[-1] != channels:
                x = norm(conv(x, channels, 1, stride))
            x = layers.ReLU()(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


class Epochs(keras.callbacks.Callback):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.clock.epoch_ends(logs["loss"])


def main() -> None:
    args = arguments()
    work = WORKS[args.network]
    if args.precision == "best":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    pictures, labels = data(work)
    x = normalized(pictures)
    model = {"mlp": mlp, "cnn": cnn, "resnet18": resnet18}[work.name]()
    model.compile(
        optimizer=keras.optimizers.Adam(work.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    clock = Clock(work.num_examples)
    model.fit(x, labels, batch_size=work.batch_size, epochs=args.epochs + 1, verbose=0, callbacks=[Epochs(clock)])
    clock.print_result(f"Keras/{keras.backend.backend()}", args.precision)


if __name__ == "__main__":
    main()
