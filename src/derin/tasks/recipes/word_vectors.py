"""Recipes of word vectors."""

from __future__ import annotations

from derin.tasks.recipes.facts import Facts, Recipe

# UTF-8 bytes that are read in all, some two million words: a short text has to be read often, but on tinyshakespeare
# (1 MB) the loss of the held-out part rises after some ten epochs.
_BYTES_IN_ALL = 12e6
_FEWEST_EPOCHS, _MOST_EPOCHS = 5, 60
_WORDS_PER_STEP = 1_536


def predicting(facts: Facts) -> Recipe:
    """For `skip_gram` and `cbow`: twice the rate of word2vec, and more epochs for a short text.

    After two epochs of 1.6 million words of film reviews, 0.06 gave better scores than 0.025 (WordSim-353 0.21 and
    0.10, analogies 0.030 and 0.024); 0.1 gave a higher WordSim-353 (0.27) and fewer analogies (0.024).
    """
    epochs = round(min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, _BYTES_IN_ALL / max(facts.num_bytes, 1))))
    return Recipe(
        settings={
            "epochs": epochs,
            "batch_size": _WORDS_PER_STEP,
            "learning_rate": 0.05,
            "schedule": "linear",
            "optimizer": "sgd",
            "weight_decay": 0.0,
            "plan": "plain",
        },
        reasons=(
            "A rate that falls in a straight line, for gradients that are summed and not averaged.",
            f"{facts.num_bytes:,} bytes of text are read {epochs} times.",
        ),
    )


def counting(facts: Facts) -> Recipe:
    """For `glove`: AdaGrad at the rate of the paper."""
    return Recipe(
        settings={
            "epochs": 15,
            "batch_size": 8_192,
            "learning_rate": 0.05,
            "schedule": "constant",
            "optimizer": "adagrad",
            "weight_decay": 0.0,
            "plan": "plain",
        },
        reasons=("AdaGrad at the paper's rate, which lowers the rate of each number by itself.",),
    )
