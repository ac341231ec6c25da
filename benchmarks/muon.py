"""Derin's Muon beside torch.optim.Muon: seconds of a step on matrices alone, taking turns in one process.

Torch's takes matrices one by one, always in bfloat16, and refuses the filters of convolutions; Derin's takes those of
one shape together, on the CPU in float32, and filters as matrices.

    python benchmarks/muon.py [--threads 1] [--rounds 8]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn

from derin.train.optimizers.muon import Muon

RATE = 0.01
CASES = {
    "Transformer, 4 blocks of 128": [(384, 128), (128, 128), (512, 128), (128, 512)] * 4,
    "24 of 64 x 64": [(64, 64)] * 24,
    "12 of 256 x 256": [(256, 256)] * 12,
}


def seconds(shapes: list[tuple[int, int]], rounds: int) -> tuple[float, float, float]:
    """The median of a step by Derin and by torch, and the smallest ratio of a pair."""
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(shape) * 0.02) for shape in shapes]
    theirs = [nn.Parameter(parameter.detach().clone()) for parameter in ours]
    for one, other in zip(ours, theirs, strict=True):
        one.grad = torch.randn_like(one)
        other.grad = one.grad.clone()
    named = [(str(number), parameter) for number, parameter in enumerate(ours)]
    steps = (
        Muon([{"params": named}], [], lr=RATE).step,
        torch.optim.Muon(theirs, lr=RATE, weight_decay=0.0, adjust_lr_fn="match_rms_adamw").step,
    )
    taken: list[tuple[float, ...]] = []
    for _ in range(rounds + 1):
        pair = []
        for step in steps:
            start = time.perf_counter()
            step()
            pair.append(time.perf_counter() - start)
        taken.append(tuple(pair))
    derin, peer = zip(*taken[1:], strict=True)  # the first warms up
    return statistics.median(derin), statistics.median(peer), min(b / a for a, b in taken[1:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=8)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    for name, shapes in CASES.items():
        own, peer, least = seconds(shapes, asked.rounds)
        print(f"{name}: derin {own * 1e3:.1f} ms, torch {peer * 1e3:.1f} ms, {peer / own:.1f} x (least {least:.1f} x)")
