"""The language models in Keras 3 on the back end of KERAS_BACKEND, compiled by default; mixed_bfloat16 where everybody
may use their best."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers, ops

from peers.clock import Clock
from peers.sequence_work import LEARNING_RATE, NUM_TOKENS, SIZES, STREAMS, WINDOW, arguments, windows


def lstm(vocabulary: int) -> keras.Model:
    recurrent = [layers.LSTM(SIZES.hidden, return_sequences=True) for _ in range(SIZES.num_layers)]
    return keras.Sequential(
        [
            layers.Input((WINDOW,), dtype="int32"),
            layers.Embedding(vocabulary, SIZES.embedding),
            *recurrent,
            layers.Dense(vocabulary, dtype="float32"),
        ]
    )


class CausalAttention(layers.Layer):
    """Rotary positions and the back end's own scaled dot product."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.qkv, self.project = layers.Dense(3 * SIZES.dim), layers.Dense(SIZES.dim)
        half = SIZES.dim // SIZES.num_heads // 2
        angles = np.arange(WINDOW)[:, None] * 10_000 ** (-np.arange(half) / half)
        self.cosines, self.sines = (f(angles)[None, :, None].astype("float32") for f in (np.cos, np.sin))

    def rotated(self, x):
        first, second = ops.split(x, 2, axis=-1)
        cosines, sines = ops.cast(self.cosines, x.dtype), ops.cast(self.sines, x.dtype)
        return ops.concatenate([first * cosines - second * sines, second * cosines + first * sines], axis=-1)

    def call(self, x):
        heads = (-1, WINDOW, SIZES.num_heads, SIZES.dim // SIZES.num_heads)
        q, k, v = (ops.reshape(part, heads) for part in ops.split(self.qkv(x), 3, axis=-1))
        mixed = ops.dot_product_attention(self.rotated(q), self.rotated(k), v, is_causal=True)
        return self.project(ops.reshape(mixed, (-1, WINDOW, SIZES.dim)))


def transformer(vocabulary: int) -> keras.Model:
    tokens = layers.Input((WINDOW,), dtype="int32")
    x = layers.Embedding(vocabulary, SIZES.dim)(tokens)
    for _ in range(SIZES.num_blocks):
        x = x + CausalAttention()(layers.LayerNormalization(epsilon=1e-5)(x))
        inner = layers.Dense(4 * SIZES.dim)(layers.LayerNormalization(epsilon=1e-5)(x))
        x = x + layers.Dense(SIZES.dim)(
            layers.Activation(lambda z: keras.activations.gelu(z, approximate=False))(inner)
        )
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    return keras.Model(tokens, layers.Dense(vocabulary, dtype="float32")(x))


class Epochs(keras.callbacks.Callback):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.clock.epoch_ends(logs["loss"])


def main() -> None:
    args = arguments()
    if args.precision == "best":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    inputs, targets, vocabulary = windows()
    model = {"lstm": lstm, "transformer": transformer}[args.model](vocabulary)
    model.compile(
        optimizer=keras.optimizers.AdamW(LEARNING_RATE, weight_decay=0.0, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    clock = Clock(NUM_TOKENS)
    model.fit(
        inputs.astype("int32"),
        targets.astype("int32"),
        batch_size=STREAMS,
        epochs=args.epochs + 1,
        shuffle=False,
        verbose=0,
        callbacks=[Epochs(clock)],
    )
    clock.print_result(f"Keras/{keras.backend.backend()}", args.precision)


if __name__ == "__main__":
    main()
