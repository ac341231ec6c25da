"""The language models in PyTorch as a careful person writes them, in a plain loop: torch's own LSTM and fused
attention, a fused AdamW, and bfloat16 autocast where everybody may use their best."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from peers.clock import Clock
from peers.sequence_work import LEARNING_RATE, NUM_TOKENS, SIZES, STREAMS, WINDOW, arguments, windows


class LSTM(nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, SIZES.embedding)
        self.lstm = nn.LSTM(SIZES.embedding, SIZES.hidden, SIZES.num_layers, batch_first=True)
        self.output = nn.Linear(SIZES.hidden, vocabulary)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.lstm(self.embedding(x))[0])


def rotated(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(SIZES.dim), nn.LayerNorm(SIZES.dim)
        self.qkv, self.project = nn.Linear(SIZES.dim, 3 * SIZES.dim), nn.Linear(SIZES.dim, SIZES.dim)
        self.widen, self.narrow = nn.Linear(SIZES.dim, 4 * SIZES.dim), nn.Linear(4 * SIZES.dim, SIZES.dim)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(x)).unflatten(2, (3, SIZES.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = (rotated(part, cosines, sines).to(v.dtype) for part in (q, k))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(mixed.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.widen(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, SIZES.dim)
        self.blocks = nn.ModuleList(Block() for _ in range(SIZES.num_blocks))
        self.norm, self.output = nn.LayerNorm(SIZES.dim), nn.Linear(SIZES.dim, vocabulary)
        half = SIZES.dim // SIZES.num_heads // 2
        angles = torch.arange(WINDOW)[:, None] * 10_000 ** (-torch.arange(half) / half)
        self.register_buffer("cosines", angles.cos())
        self.register_buffer("sines", angles.sin())

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)
        for block in self.blocks:
            x = block(x, self.cosines, self.sines)
        return self.output(self.norm(x))


def main() -> None:
    args = arguments()
    inputs, targets, vocabulary = windows()
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    model = {"lstm": LSTM, "transformer": Transformer}[args.model](vocabulary)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0, fused=True)
    clock = Clock(NUM_TOKENS)
    for _ in range(args.epochs + 1):
        total = 0.0
        for start in range(0, len(x), STREAMS):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "best"):
                logits = model(x[start : start + STREAMS])
                loss = F.cross_entropy(logits.flatten(0, 1), y[start : start + STREAMS].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * STREAMS
        clock.epoch_ends(total / len(x))
    clock.print_result("plain PyTorch", args.precision)


if __name__ == "__main__":
    main()
