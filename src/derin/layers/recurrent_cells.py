"""The recurrent cells as the course writes them, one step each: simple, gated (simplified and full), and LSTM.

[a, x] is the memory set above the input, so that one matrix W meets both: W [a, x] = W_a a + W_x x. These cells are
for reading and for comparing; `layers.recurrent` runs the same equations over whole batches with fast kernels.

Where torch's own cells differ: `torch.nn.RNNCell` and `LSTMCell` compute the same with two matrices and two biases for
one (`from_torch` joins them). `torch.nn.GRUCell` differs in two places. Its z is 1 − Γ_u, a change of sign. And its
reset gate multiplies W_c c, not c: Γ_r ∗ (W_c c) is W_c (Γ_r ∗ c) only for a diagonal W_c, so that a full cell cannot
be converted and a simplified one, without Γ_r, can.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.initializers import initialize

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """Base of the cells.

    Args:
        input_size: numbers of x at one step.
        hidden_size: numbers of the memory.
    """

    num_states = 1  # tensors that go from step to step

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size

    def initial(self, x: Tensor) -> State:
        """The memory before the first step: zeros of the kind of x, whose first axis is the batch."""
        return (x.new_zeros(x.shape[0], self.hidden_size),) * self.num_states

    def forward(self, x: Tensor, state: State) -> State:
        """The memory after one more step; its first tensor is the activation.

        Shapes:
            ``(B, input_size)``, tensors ``(B, hidden_size)`` → tensors ``(B, hidden_size)``.
        """
        raise NotImplementedError

    def _dense(self) -> nn.Linear:
        return nn.Linear(self.hidden_size + self.input_size, self.hidden_size)


class RNNCell(Cell):
    """a⟨t⟩ = tanh(W_a [a⟨t−1⟩, x⟨t⟩] + b_a).

    Example:
        >>> cell = RNNCell(5, 12)
        >>> x = torch.zeros(2, 5)
        >>> cell(x, cell.initial(x))[0].shape
        torch.Size([2, 12])

    Source: J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.memory = self._dense()
        initialize(self, "glorot")

    def forward(self, x: Tensor, state: State) -> State:
        return (torch.tanh(self.memory(torch.cat([state[0], x], dim=1))),)


class SimplifiedGRUCell(Cell):
    """A gate decides how much of the memory is written anew; the activation is the memory, a = c.

        c̃⟨t⟩ = tanh(W_c [c⟨t−1⟩, x⟨t⟩] + b_c)
        Γ_u = σ(W_u [c⟨t−1⟩, x⟨t⟩] + b_u)
        c⟨t⟩ = Γ_u ∗ c̃⟨t⟩ + (1 − Γ_u) ∗ c⟨t−1⟩

    Example:
        >>> cell = SimplifiedGRUCell(5, 12)
        >>> x = torch.zeros(2, 5)
        >>> cell(x, cell.initial(x))[0].shape
        torch.Size([2, 12])
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.candidate, self.update = self._dense(), self._dense()
        initialize(self, "glorot")

    def forward(self, x: Tensor, state: State) -> State:
        (memory,) = state
        both = torch.cat([memory, x], dim=1)  # (B, hidden_size + input_size)
        candidate = torch.tanh(self.candidate(both))
        update = torch.sigmoid(self.update(both))
        return (update * candidate + (1 - update) * memory,)


class GRUCell(Cell):
    """A second gate decides which parts of the memory the candidate looks at.

        Γ_r = σ(W_r [c⟨t−1⟩, x⟨t⟩] + b_r)
        c̃⟨t⟩ = tanh(W_c [Γ_r ∗ c⟨t−1⟩, x⟨t⟩] + b_c)
        Γ_u = σ(W_u [c⟨t−1⟩, x⟨t⟩] + b_u)
        c⟨t⟩ = Γ_u ∗ c̃⟨t⟩ + (1 − Γ_u) ∗ c⟨t−1⟩

    Example:
        >>> cell = GRUCell(5, 12)
        >>> x = torch.zeros(2, 5)
        >>> cell(x, cell.initial(x))[0].shape
        torch.Size([2, 12])

    Source: K. Cho et al., EMNLP 2014, arXiv:1406.1078, equations 5–8; their z is 1 − Γ_u.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.candidate, self.update, self.reset = self._dense(), self._dense(), self._dense()
        initialize(self, "glorot")

    def forward(self, x: Tensor, state: State) -> State:
        (memory,) = state
        both = torch.cat([memory, x], dim=1)  # (B, hidden_size + input_size)
        reset = torch.sigmoid(self.reset(both))
        candidate = torch.tanh(self.candidate(torch.cat([reset * memory, x], dim=1)))
        update = torch.sigmoid(self.update(both))
        return (update * candidate + (1 - update) * memory,)


class LSTMCell(Cell):
    """The memory has a gate of its own for forgetting, and one for showing itself.

        c̃⟨t⟩ = tanh(W_c [a⟨t−1⟩, x⟨t⟩] + b_c)
        Γ_u, Γ_f, Γ_o = σ(W_u, W_f, W_o [a⟨t−1⟩, x⟨t⟩] + b_u, b_f, b_o)
        c⟨t⟩ = Γ_u ∗ c̃⟨t⟩ + Γ_f ∗ c⟨t−1⟩
        a⟨t⟩ = Γ_o ∗ tanh(c⟨t⟩)

    The bias of the forget gate begins at 1, so that a fresh cell remembers.

    Example:
        >>> cell = LSTMCell(5, 12)
        >>> x = torch.zeros(2, 5)
        >>> [t.shape for t in cell(x, cell.initial(x))]  # a and c
        [torch.Size([2, 12]), torch.Size([2, 12])]

    Source: S. Hochreiter and J. Schmidhuber, Neural Computation 9, 1997; the forget gate and its bias: F. Gers et al.,
    Neural Computation 12, 2000.
    """

    num_states = 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.candidate, self.update, self.forget, self.output = (self._dense() for _ in range(4))
        initialize(self, "glorot")
        nn.init.ones_(self.forget.bias)

    def forward(self, x: Tensor, state: State) -> State:
        activation, memory = state
        both = torch.cat([activation, x], dim=1)  # (B, hidden_size + input_size)
        candidate = torch.tanh(self.candidate(both))
        update, forget, output = (torch.sigmoid(gate(both)) for gate in (self.update, self.forget, self.output))
        memory = update * candidate + forget * memory
        return output * torch.tanh(memory), memory


CELLS: dict[str, type[Cell]] = {
    "rnn": RNNCell,
    "gru_simplified": SimplifiedGRUCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
}


def unroll(cell: Cell, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """The activations of all steps, one after the other.

    Args:
        cell: taken again at every step, with the same weights.
        x: the sequences, all of one length.
        state: the memory to begin with; zeros where none is given.

    Shapes:
        ``(B, T, input_size)`` → ``(B, T, hidden_size)`` and the last memory.

    Raises:
        ShapeError: the sequences have other than `input_size` numbers a step, or no step.

    Example:
        >>> unroll(LSTMCell(5, 12), torch.zeros(2, 7, 5))[0].shape
        torch.Size([2, 7, 12])
    """
    if x.dim() != 3 or x.shape[1] == 0 or x.shape[2] != cell.input_size:
        raise ShapeError(
            f"{type(cell).__name__} reads sequences of shape (batch, steps, {cell.input_size}) with one step at least; "
            f"got {tuple(x.shape)}."
        )
    state = cell.initial(x) if state is None else state
    activations = []
    for t in range(x.shape[1]):
        state = cell(x[:, t], state)
        activations.append(state[0])
    return torch.stack(activations, dim=1), state


def from_torch(cell: nn.RNNCell | nn.LSTMCell) -> RNNCell | LSTMCell:
    """The same cell as torch's, its two matrices joined into one and its two biases added.

    Raises:
        UsageError: a cell that has no equal here: torch's GRU, or an RNN with ReLU.

    Example:
        >>> theirs = nn.LSTMCell(5, 12)
        >>> x, zero = torch.ones(2, 5), torch.zeros(2, 12)
        >>> torch.allclose(from_torch(theirs)(x, (zero, zero))[0], theirs(x)[0], atol=1e-6)
        True
    """
    names: tuple[str, ...]
    ours: RNNCell | LSTMCell
    if isinstance(cell, nn.LSTMCell):
        ours, names = LSTMCell(cell.input_size, cell.hidden_size), ("update", "forget", "candidate", "output")
    elif isinstance(cell, nn.RNNCell) and cell.nonlinearity == "tanh":
        ours, names = RNNCell(cell.input_size, cell.hidden_size), ("memory",)
    else:
        raise UsageError(
            f"from_torch takes a torch.nn.LSTMCell, or a torch.nn.RNNCell with tanh; got {cell}. "
            "torch's GRU multiplies its reset gate behind the matrix and has no equal here."
        )
    ours.to(device=cell.weight_hh.device, dtype=cell.weight_hh.dtype)
    weight = torch.cat([cell.weight_hh, cell.weight_ih], dim=1).detach()
    bias = (cell.bias_hh + cell.bias_ih).detach() if cell.bias else weight.new_zeros(len(weight))
    with torch.no_grad():
        for name, rows, numbers in zip(names, weight.chunk(len(names)), bias.chunk(len(names))):
            dense = ours.get_submodule(name)
            assert isinstance(dense, nn.Linear)
            dense.weight.copy_(rows)
            dense.bias.copy_(numbers)
    return ours
