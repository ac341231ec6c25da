"""A plain PyTorch loop, as tutorials write it, with tensors indexed by a permutation instead of a DataLoader."""

from __future__ import annotations

import torch

from peers.clock import Clock
from peers.torch_networks import NETWORKS
from peers.work import WORKS, arguments, data, normalized


def main() -> None:
    args = arguments()
    work = WORKS[args.network]
    pictures, labels = data(work)
    x = torch.from_numpy(normalized(pictures)).permute(0, 3, 1, 2).contiguous()
    y = torch.from_numpy(labels)
    model = NETWORKS[work.name]()
    optimizer = torch.optim.Adam(model.parameters(), lr=work.learning_rate)
    clock = Clock(work.num_examples)
    best = args.precision == "best"
    for _ in range(args.epochs + 1):
        order = torch.randperm(len(x))
        total = 0.0
        for start in range(0, len(x), work.batch_size):
            rows = order[start : start + work.batch_size]
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=best):
                loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        clock.epoch_ends(total / len(x))
    clock.print_result("plain PyTorch", args.precision)


if __name__ == "__main__":
    main()
