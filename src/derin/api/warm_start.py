"""Networks that begin with weights: which, which part learns from when on, and the head on features of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from derin.api.arguments import Request
from derin.api.extraction import extract, head_to_train
from derin.api.finetuning import FineTuning, read_mode, schedule_for
from derin.api.prepared import Prepared
from derin.api.pretrained import PretrainedWeights, begin_system, load_pretrained
from derin.core.errors import UsageError
from derin.models.registry import MODELS
from derin.tasks.base import BaseTask
from derin.tasks.embedding import Embedding
from derin.tasks.recipes import finetuning_recipe
from derin.tasks.registry import TASKS
from derin.tasks.system import SystemTask
from derin.train.config import TrainConfig
from derin.train.freezing import GroupSchedule, Unfreezing


def weights_to_begin_with(
    request: Request, download: bool, progress: Any
) -> tuple[PretrainedWeights | None, FineTuning | None]:
    """Published weights where any are named, and the way of fine-tuning; None where the number of examples decides.

    All networks of a system learn, whatever they begin with: it is built first, and begins with its own.
    """
    is_system = request.task is not None and issubclass(TASKS[request.task], SystemTask)
    tuning = FineTuning() if is_system else read_mode(request.finetune, has_weights=request.weights is not None)
    if request.weights is None:
        return None, tuning
    if is_system:
        if request.finetune not in (None, "full"):
            raise UsageError(f"All networks of a system learn; leave finetune={request.finetune} out.")
        return None, tuning
    if request.model_options:
        raise UsageError("model_options come with the weights; leave one of the two out.")
    # A network on a trunk begins with the weights of another, or with those of its own kind.
    on_trunk = isinstance(request.model, str) and request.model in MODELS and MODELS[request.model].has_trunk
    published = load_pretrained(
        request.weights,
        model=None if on_trunk else request.model,
        preprocess=request.preprocess,
        download=download,
        progress=progress,
    )
    return published, tuning


def weights_for(published: PretrainedWeights, task: type[BaseTask], model: Any) -> PretrainedWeights:
    """The weights as the task's network begins with them: those of a classifier are the trunk of one that stands on it.

    Raises:
        UsageError: weights of a network on a trunk belong to another one than was asked for.
    """
    if task.trunk_model is None:
        return published
    own = MODELS[published.model]
    if not own.has_trunk and own.output_kind != MODELS[task.trunk_model].output_kind:
        return published.under(model or task.trunk_model)
    if model is not None and model != published.model:
        raise UsageError(f"The weights {published.source} belong to {published.model}, not to {model}; leave it out.")
    return published


def network_going_on(published: PretrainedWeights, task: Any, input_shape: tuple[int, ...], seed: int) -> Any:
    """The network with the weights; what makes an embedding goes on making one, and other outputs begin anew.

    Raises:
        UsageError: the weights do not fit, or the loss learns more than a network.
    """
    if published.part:
        published = replace(published, options={**published.options, **task.network_options(published.model)})
    keep = published.embeds and task.name == Embedding.name
    network = published.network(task.num_outputs, input_shape=input_shape, seed=seed, keep_outputs=keep)
    if task.with_head(network, seed) is not network:
        raise UsageError(
            f"The loss {task.kind_of_loss!r} has weights beside the network, which learn with it from the beginning; "
            "got weights to go on from. Leave `weights` out, or take the loss triplet, contrastive or ntxent."
        )
    return network


def begin_with_own_weights(network: Any, request: Request) -> FineTuning:
    """Fills the networks of a system with the weights that were named for it, where any were."""
    if request.weights is None:
        return FineTuning()
    return FineTuning(mode="full", weights=begin_system(network, str(request.weights)))


def head_of(
    published: PretrainedWeights | None, network: Any, inputs: Any, tuning: FineTuning, request: Request
) -> str | None:
    """The name of the layer that can learn from features that are computed once; None where there is none.

    Raises:
        UsageError: the head alone is to learn, and be attacked.
    """
    if published is not None and published.part:
        if tuning.mode == "head":
            raise UsageError("finetune=head learns one layer of a classifier; leave it out, or use full or freeze:N.")
        return None
    if published is not None and request.adversarial is None:
        return head_to_train(network.eval(), MODELS[published.model].output_layers, inputs)
    if tuning.mode == "head":
        raise UsageError("finetune=head sees features and no pictures to attack; use finetune=full or gradual.")
    return None


def going_on_from(
    published: PretrainedWeights, prepared: Prepared, tuning: FineTuning, head: str | None, progress: Any
) -> Prepared:
    """What goes on from weights: the head on features that are computed now, or more layers after such a head."""
    only_head = tuning.mode == "head" and head is not None
    schedule = None
    if not only_head:
        output_layers = MODELS[prepared.model_name].output_layers
        schedule = schedule_for(tuning, prepared.model, output_layers, prepared.config.epochs)
        if published.part and schedule is None:
            # What was learned from a million pictures is to be kept while all above it still errs.
            groups = (GroupSchedule(parts=(published.part,), from_epoch=0, lr_multiplier=tuning.trunk_lr),)
            schedule = Unfreezing(groups)
    tuning = replace(
        tuning,
        weights=published.to_json(),
        unfreezing=schedule,
        extracts=only_head,
        head_first=not only_head and bool(head),
    )
    prepared = replace(prepared, tuning=tuning)
    if head is None:
        return prepared
    features = extract(
        prepared.model,
        head,
        prepared.table,
        prepared.encoded,
        prepared.preparation,
        augmentation=prepared.augmentation if only_head else None,
        seed=prepared.config.seed,
        threads=prepared.config.threads,
        weights_sha256=published.sha256,
        progress=progress,
    )
    on_features = replace(prepared, head=head, features=features, center_only=False)
    if only_head:
        return on_features
    keep = {name: getattr(prepared.config, name) for name in ("seed", "device", "threads", "max_seconds")}
    settings = finetuning_recipe("head", prepared.table).settings
    return replace(prepared, warm_up=replace(on_features, config=TrainConfig.from_json({**settings, **keep})))
