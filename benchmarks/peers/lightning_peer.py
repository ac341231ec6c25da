"""Lightning's Trainer with its default loader; bf16-mixed where everybody may use their best."""

from __future__ import annotations

import logging
import warnings

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader, TensorDataset

from peers.clock import Clock
from peers.torch_networks import NETWORKS
from peers.work import WORKS, arguments, data, normalized


class Module(lightning.LightningModule):
    def __init__(self, network: torch.nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.network, self.learning_rate = network, learning_rate

    def training_step(self, batch, index):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.network(x), y)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate)


class Epochs(Callback):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_epoch_end(self, trainer, module) -> None:
        self.clock.epoch_ends(trainer.callback_metrics["loss"])


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    args = arguments()
    work = WORKS[args.network]
    pictures, labels = data(work)
    x = torch.from_numpy(normalized(pictures)).permute(0, 3, 1, 2).contiguous()
    loader = DataLoader(TensorDataset(x, torch.from_numpy(labels)), batch_size=work.batch_size, shuffle=True)
    clock = Clock(work.num_examples)
    trainer = lightning.Trainer(
        max_epochs=args.epochs + 1,
        accelerator="cpu",
        precision="bf16-mixed" if args.precision == "best" else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Epochs(clock)],
    )
    trainer.fit(Module(NETWORKS[work.name](), work.learning_rate), loader)
    clock.print_result("Lightning", args.precision)


if __name__ == "__main__":
    main()
