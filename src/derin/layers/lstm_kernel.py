"""An LSTM layer for the CPU whose backward pass is written out, as few large matrix products as there can be.

oneDNN, which torch calls for `torch.nn.LSTM` on the CPU, runs the forward pass as fast as its matrix products allow. In
bfloat16 its backward pass takes half as long again as this one on one thread; on two oneDNN is ahead.
Here the input is multiplied for all steps at once, and so are both gradients of weights; what remains step by step is
one product with W_hh each way. That matrix is brought into oneDNN's own order of memory once for all steps, which a
small batch otherwise pays for at each of them.
It also keeps the memory c of every step, from which sequences of unequal length take their last one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from derin.core.onednn import linear, repeated_linear


def lstm_layer(
    x: Tensor, weights: tuple[Tensor, Tensor, Tensor, Tensor], state: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """One layer in one direction: what `torch.nn.LSTM` computes with the same four tensors.

        i, f, g, o = σ, σ, tanh, σ of W_ih x⟨t⟩ + b_ih + W_hh a⟨t−1⟩ + b_hh
        c⟨t⟩ = f ∗ c⟨t−1⟩ + i ∗ g,  a⟨t⟩ = o ∗ tanh(c⟨t⟩)

    Under autocast matrices are multiplied in its precision; gates and c are kept in that of the state.

    Args:
        x: the sequences, steps first.
        weights: W_ih ``(4H, E)``, W_hh ``(4H, H)``, b_ih and b_hh ``(4H,)``, in torch's order of gates i, f, g, o.
        state: a and c before the first step, each ``(B, H)``.

    Shapes:
        ``(T, B, E)`` → a ``(T, B, H)`` and c ``(T, B, H)`` of every step.

    Example:
        >>> theirs = torch.nn.LSTM(5, 12)
        >>> x, zero = torch.ones(7, 2, 5), torch.zeros(2, 12)
        >>> ours, _ = lstm_layer(x, tuple(theirs.parameters()), (zero, zero))
        >>> torch.allclose(ours, theirs(x)[0], atol=1e-6)
        True
    """
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight_hh.dtype
    tensors = [tensor.to(kind) for tensor in (x.contiguous(), weight_ih, bias_ih + bias_hh, weight_hh)]
    with torch.autocast("cpu", enabled=False):  # everything has its kind by now
        activations, memories = _Layer.apply(*tensors, *state)
    return activations, memories


class _Layer(torch.autograd.Function):
    """The equations of `lstm_layer`. With ȧ, ċ for the gradients of a⟨t⟩ and c⟨t⟩ and s = tanh(c⟨t⟩), backwards:

    ċ += ȧ o (1 − s²); ż = ċ g i(1−i), ċ c⟨t−1⟩ f(1−f), ċ i (1−g²), ȧ s o(1−o); ȧ⟨t−1⟩ += ż W_hh; ċ⟨t−1⟩ = ċ f;
    Ẇ_hh = Σ żᵀ a⟨t−1⟩, Ẇ_ih = Σ żᵀ x⟨t⟩, ḃ = Σ ż, ẋ⟨t⟩ = ż W_ih.

    tanh(z) is computed as 2σ(2z) − 1: torch's σ is ten times as fast, and equal to within 2⁻²³ in single precision.

    Shapes:
        ``(T, B, E)``, ``(4H, E)``, ``(4H,)``, ``(4H, H)``, ``(B, H)``, ``(B, H)`` → ``(T, B, H)``, ``(T, B, H)``.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight_ih: Tensor, bias: Tensor, weight: Tensor, activation: Tensor, memory: Tensor
    ) -> tuple[Tensor, Tensor]:
        num_steps, batch, hidden = x.shape[0], x.shape[1], weight.shape[1]
        inner = linear(x.flatten(0, 1), weight_ih, bias).view(num_steps, batch, 4 * hidden)
        gates = memory.new_empty(num_steps, batch, 4 * hidden)
        shown = memory.new_empty(num_steps, batch, hidden)
        memories = memory.new_empty(num_steps + 1, batch, hidden)
        activations = x.new_empty(num_steps + 1, batch, hidden)
        memories[0], activations[0] = memory, activation
        step = repeated_linear(weight, batch)
        for t in range(num_steps):
            gate = gates[t].copy_(step(activations[t], inner[t]))
            write, keep, candidate, show = gate.chunk(4, dim=1)
            candidate.mul_(2)
            gate.sigmoid_()
            candidate.mul_(2).sub_(1)
            torch.mul(keep, memories[t], out=memories[t + 1]).addcmul_(write, candidate)
            torch.mul(memories[t + 1], 2, out=shown[t]).sigmoid_().mul_(2).sub_(1)
            activations[t + 1] = show * shown[t]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight_ih, gates, shown, activations, memories, weight)
        return activations[1:], memories[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_activations: Tensor | None, of_memories: Tensor | None) -> tuple[Tensor | None, ...]:
        x, weight_ih, gates, shown, activations, memories, weight = ctx.saved_tensors
        of_inner = x.new_empty(gates.shape)
        if of_activations is None:
            of_activations = torch.zeros_like(activations[1:])
        memory = torch.zeros_like(memories[0])  # the gradient of c as it travels back
        activation = of_activations[-1].to(memory.dtype)
        nothing = torch.zeros_like(of_activations[0])
        step = repeated_linear(weight.t(), gates.shape[1])
        for t in reversed(range(gates.shape[0])):
            write, keep, candidate, show = gates[t].chunk(4, dim=1)
            seen = shown[t]
            through = activation * show
            if of_memories is not None:
                memory.add_(of_memories[t])
            memory.add_(through).addcmul_(through * seen, seen, value=-1)
            # σ' = σ (1 − σ) for all gates at once; the candidate's own slope replaces its part.
            slopes = torch.addcmul(gates[t], gates[t], gates[t], value=-1)  # (B, 4H)
            to_write, to_keep, to_candidate, to_show = slopes.chunk(4, dim=1)
            to_write.mul_(candidate).mul_(memory)
            to_keep.mul_(memories[t]).mul_(memory)
            torch.mul(candidate, candidate, out=to_candidate).neg_().add_(1).mul_(write).mul_(memory)
            to_show.mul_(seen).mul_(activation)
            of_inner[t] = slopes
            activation = step(of_inner[t], of_activations[t - 1] if t else nothing).to(memory.dtype)
            memory.mul_(keep)
        rows = of_inner.flatten(0, 1)  # (T·B, 4H)
        return (
            linear(rows, weight_ih.t()).view(x.shape) if ctx.needs_input_grad[0] else None,
            linear(rows.t(), x.flatten(0, 1).t()),
            rows.sum(0),
            linear(rows.t(), activations[:-1].flatten(0, 1).t()),
            activation,
            memory,
        )
