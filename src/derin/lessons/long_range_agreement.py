"""Long-range agreement: "the cat, which …, was full". Plain recurrence forgets the subject, gated cells carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.messages import format_number
from derin.datasets.generated.agreement import SHORTEST, WORDS, agreement
from derin.layers.options import require_range
from derin.layers.recurrent_cells import CELLS, Cell, GRUCell, LSTMCell, SimplifiedGRUCell
from derin.lessons.drawing import BLUE, GREEN, INK, ORANGE, PURPLE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.models.seeding import seeded

_WORD_SIZE = 16  # numbers for each word
_BATCH = 64
_NUM_TEST = 512
_COLORS = {"rnn": ORANGE, "gru_simplified": GREEN, "gru": PURPLE, "lstm": BLUE}
_NAMES = {"rnn": "RNN", "gru_simplified": "GRU (Γ_u)", "gru": "GRU (Γ_u, Γ_r)", "lstm": "LSTM"}


@dataclass(frozen=True, kw_only=True)
class AgreementOptions:
    """Options of the lesson.

    Args:
        distances: words between subject and verb; each is learned by fresh networks.
        hidden: numbers of the memory.
        steps: of training, with 64 new sentences each.
        learning_rate: of Adam.
        keep: how the gates begin: σ(keep) of a gated memory is kept at every word. A plain RNN has no such gate.
        seed: of sentences and weights.
    """

    distances: tuple[int, ...] = (5, 10, 20, 40)
    hidden: int = 32
    steps: int = 150
    learning_rate: float = 5e-3
    keep: float = 3.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("long-range-agreement", "len(distances)", len(self.distances), 1, 10)
        for distance in self.distances:
            require_range("long-range-agreement", "distances", distance, SHORTEST, 500)
        require_range("long-range-agreement", "hidden", self.hidden, 1, 1_000)
        require_range("long-range-agreement", "steps", self.steps, 1, 10_000)
        require_range("long-range-agreement", "learning_rate", self.learning_rate, 0.0)
        require_range("long-range-agreement", "keep", self.keep, -20, 20)


class Reader(nn.Module):
    """Vectors of words, a recurrent cell, and two scores behind the last word: for "was" and for "were".

    Shapes:
        ``(N, T)`` → ``(N, 2)``, and the memory after every word, T tensors ``(N, hidden)``.
    """

    def __init__(self, kind: str, hidden: int, keep: float) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), _WORD_SIZE)
        self.cell: Cell = CELLS[kind](_WORD_SIZE, hidden)
        self.verb = nn.Linear(hidden, 2)
        if isinstance(self.cell, LSTMCell):
            nn.init.constant_(self.cell.forget.bias, keep)
        elif isinstance(self.cell, SimplifiedGRUCell | GRUCell):
            nn.init.constant_(self.cell.update.bias, -keep)

    def forward(self, words: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = self.words(words)  # (N, T, _WORD_SIZE)
        state = self.cell.initial(x[:, 0])
        memories = []
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
            memories.append(state[-1])  # a of the plain cell, c of those with gates
        return self.verb(state[0]), memories


@dataclass(frozen=True)
class Learned:
    """The share of right verbs in new sentences, and the gradient's norm at every word before training."""

    accuracy: float
    norms: list[float]


def learn(kind: str, distance: int, options: AgreementOptions) -> Learned:
    """Trains a fresh network to say the verb, every sentence seen once."""
    with seeded(options.seed):
        reader = Reader(kind, options.hidden, options.keep)
    found = agreement(_BATCH * options.steps, distance, options.seed)
    words, plural = torch.from_numpy(found.words), torch.from_numpy(found.plural)
    optimizer = torch.optim.Adam(reader.parameters(), lr=options.learning_rate)
    norms = gradient_norms(reader, words[:_BATCH], plural[:_BATCH])
    for rows in torch.arange(len(words)).split(_BATCH):
        optimizer.zero_grad()
        F.cross_entropy(reader(words[rows])[0], plural[rows]).backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
    new = agreement(_NUM_TEST, distance, options.seed + 1)
    with torch.no_grad():
        says = reader(torch.from_numpy(new.words))[0].argmax(1).numpy()
    return Learned(float((says == new.plural).mean()), norms)


def gradient_norms(reader: Reader, words: Tensor, plural: Tensor) -> list[float]:
    """‖∂L/∂c⟨t⟩‖ at every word, mean over the sentences; L is the loss at the verb alone."""
    scores, memories = reader(words)
    gradients = torch.autograd.grad(F.cross_entropy(scores, plural, reduction="sum"), memories)
    return [gradient.norm(dim=1).mean().item() for gradient in gradients]


def run(options: AgreementOptions) -> Outcome:
    """Trains every kind of cell at every distance."""
    learned = {kind: {d: learn(kind, d, options) for d in options.distances} for kind in CELLS}
    longest = max(options.distances)
    told = Text(
        "{name:<15} right verbs {shares}. Of the verb's gradient {rest:.1e} arrives at the subject, {d} words before",
        "{name:<15} doğru fiil {shares}. Fiildeki gradyanın {d} sözcük önceki özneye ulaşan payı {rest:.1e}",
    )
    lines = [agreement(1, options.distances[0], options.seed).sentences()[0]]
    numbers = {}
    for kind, by_distance in learned.items():
        norms = by_distance[longest].norms
        rest = norms[1] / norms[-1]
        shares = "; ".join(f"{d}: {format_number(found.accuracy, '.2f')}" for d, found in by_distance.items())
        lines.append(told.fill(name=_NAMES[kind], shares=shares, rest=rest, d=longest))
        numbers[kind] = {
            "accuracy": {str(distance): found.accuracy for distance, found in by_distance.items()},
            "arriving": rest,
            "norms": norms,
        }
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"gradients.png": draw(learned, longest)})


def draw(learned: dict[str, dict[int, Learned]], longest: int) -> bytes:
    """The gradient's norm word by word, and the share of right verbs over the distance."""
    figure = new_figure(9.0, 3.4)
    left, right = figure.subplots(1, 2)
    for kind, by_distance in learned.items():
        norms = np.array(by_distance[longest].norms[1:])
        before = np.arange(len(norms))[::-1]
        # What has become zero has no place on a logarithmic scale.
        left.plot(
            before, np.where(norms > 1e-30, norms, np.nan), color=_COLORS[kind], label=_NAMES[kind], linewidth=1.8
        )
        accuracy = [found.accuracy for found in by_distance.values()]
        right.plot(list(by_distance), accuracy, "o-", color=_COLORS[kind], label=_NAMES[kind], markersize=4)
    left.invert_xaxis()
    left.set_yscale("log")
    style(
        left,
        title=str(Text("Gradient of the verb's loss, untrained", "Fiilin kaybının gradyanı, eğitimden önce")),
        x_label=str(Text("words before the verb", "fiilden kaç sözcük önce")),
        y_label="‖∂L/∂c⟨t⟩‖",
    )
    right.axhline(0.5, color=INK, linestyle=":", linewidth=1)
    right.set_ylim(0.4, 1.03)
    style(
        right,
        title=str(Text("Right verbs in new sentences", "Yeni tümcelerde doğru fiil")),
        x_label=str(Text("words between subject and verb", "özne ile fiil arasındaki sözcük")),
    )
    legend(right, loc="lower left")
    return png(figure)


LESSON = Lesson(
    name="long-range-agreement",
    rows=("K2",),
    title=Text("Vanishing gradients: the cat, which …, was full", "Sönen gradyanlar: the cat, which …, was full"),
    about=Text(
        "The verb has to agree with a subject many words before it. On its way back to the subject the gradient is "
        "multiplied, word by word, by the same matrix and a slope below 1: in a plain recurrent network it is gone "
        "after some twenty words, and what does not arrive cannot be learned. A gated memory is carried on by "
        "addition: where the gate stays shut, the gradient passes unchanged. GRU and LSTM learn the agreement at "
        "distances at which the plain network guesses.",
        "Fiil, kendinden çok önceki özneyle uyuşmalıdır. Gradyan özneye geri giderken her sözcükte aynı matrisle ve "
        "1'den küçük bir eğimle çarpılır: düz bir yinelemeli ağda yirmi sözcük sonra yok olur; ulaşmayan şey de "
        "öğrenilemez. Kapılı bellek toplamayla taşınır: kapı kapalı kaldıkça gradyan değişmeden geçer. GRU ve LSTM, "
        "düz ağın yazı tura attığı uzaklıklarda uyumu öğrenir.",
    ),
    formula=r"\frac{\partial L}{\partial a^{<1>}} = \frac{\partial L}{\partial a^{<T>}} "
    r"\prod_{t=2}^{T} \mathrm{diag}\big(1 - (a^{<t>})^2\big)\, W_{aa}, \qquad "
    r"c^{<t>} = \Gamma_u * \tilde c^{<t>} + (1 - \Gamma_u) * c^{<t-1>}",
    run=run,
    options=AgreementOptions,
)
