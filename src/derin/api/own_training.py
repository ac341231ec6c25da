"""A network on data of one's own form, which stays as it is."""

from __future__ import annotations

from typing import Any

from derin.api.arguments import Request
from derin.api.in_batches import check_request
from derin.api.networks import model_name_of
from derin.api.prepared import Prepared
from derin.api.training_settings import training_config
from derin.core.devices import device_named
from derin.data.batch import Batch
from derin.data.own import Form, OwnData, OwnPreparation, has_places, input_names
from derin.data.preparation import Batching
from derin.models.signature import bind_inputs
from derin.tasks.own import OwnTask
from derin.tasks.precision import check_network
from derin.tasks.recipes import Recipe
from derin.train.config import TrainConfig

# What can be asked for beside a loss of one's own, whose owner decides the rest.
_FOR_OWN_LOSS = ("target", "model", "loss", "metrics", "loss_weights")


def prepare_own(own: OwnData, request: Request, config: TrainConfig | None, settings: dict[str, Any]) -> Prepared:
    """A network on data of one's own, which stays as it is."""
    from derin.models.sequential import Sequential

    check_request(own, request, settings, _FOR_OWN_LOSS)
    start = TrainConfig.from_json(settings) if config is None else config
    table, device = own.table(start.seed), device_named(start.device)
    few = Batching(batch_size=2, limit=2, device=device)
    first = next(own.source(table.splits["train"], (), few).batches(0))
    given = input_names(first.columns)
    network = request.model
    if isinstance(network, Sequential):
        network.bind(tuple(first[given[0]].shape[1:]), seed=start.seed)
    network = network.to(device)
    arguments = bind_inputs(network, given, named=not has_places(given))
    probe = Batch(Form(own.target, arguments.names).named(first.columns), first.rows)
    preparation = OwnPreparation.of(probe, arguments.names)
    task = OwnTask(preparation.names, request.loss, request.metrics, request.loss_weights, by_name=arguments.by_name)
    task.arrange(network, task.columns)
    check_network(task, network, probe)
    return Prepared(
        table=table,
        task=task,
        model=network,
        model_name=model_name_of(network, OwnTask, table, {}),
        preparation=preparation,
        augmentation=None,
        config=training_config(config, settings, Recipe(), task, network),
        given=settings,
        encoded=own,
        targets={},
        device=device,
        functions={"loss": request.loss, "metrics": request.metrics},
    )
