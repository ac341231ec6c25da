"""Every optimizer against its equations in NumPy float64; saved and restored state against an uninterrupted run."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import RefusedFileError, UnknownNameError, UsageError
from derin.train.optimizers import (
    OPTIMIZERS,
    build_optimizer,
    load_optimizer_tensors,
    optimizer_scalars,
    optimizer_tensors,
    set_lr,
    supports_fused,
)
from derin.train.optimizers.muon import orthogonalize

RATE, DECAY, MOMENTUM, STEPS = 0.05, 0.1, 0.8, 5


def sgd(w, g, s, t, decay):
    return w - RATE * (g + decay * w)


def momentum(w, g, s, t, decay):
    g = g + decay * w
    s["v"] = MOMENTUM * s["v"] + g if t > 1 else g
    return w - RATE * s["v"]


def nesterov(w, g, s, t, decay):
    g = g + decay * w
    s["v"] = MOMENTUM * s["v"] + g if t > 1 else g
    return w - RATE * (g + MOMENTUM * s["v"])


def adagrad(w, g, s, t, decay):
    g = g + decay * w
    s["s"] = s.get("s", 0) + g**2
    return w - RATE * g / (np.sqrt(s["s"]) + 1e-10)


def rmsprop(w, g, s, t, decay):
    g = g + decay * w
    s["s"] = 0.99 * s.get("s", 0) + 0.01 * g**2
    return w - RATE * g / (np.sqrt(s["s"]) + 1e-8)


def adam_direction(g, s, t, b1=0.9, b2=0.999):
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["s"] = b2 * s.get("s", 0) + (1 - b2) * g**2
    return s["m"] / (1 - b1**t) / (np.sqrt(s["s"] / (1 - b2**t)) + 1e-8)


def adam(w, g, s, t, decay):
    return w - RATE * adam_direction(g + decay * w, s, t)


def adamw(w, g, s, t, decay):
    return w - RATE * decay * w - RATE * adam_direction(g, s, t)


def nadam(w, g, s, t, decay):
    g = g + decay * w
    mu, mu_next = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * k)) for k in (t, t + 1))
    s["product"] = s.get("product", 1) * mu
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["s"] = 0.999 * s.get("s", 0) + 0.001 * g**2
    ahead = (1 - mu) * g / (1 - s["product"]) + mu_next * s["m"] / (1 - s["product"] * mu_next)
    return w - RATE * ahead / (np.sqrt(s["s"] / (1 - 0.999**t)) + 1e-8)


def lion(w, g, s, t, decay):
    m = s.get("m", np.zeros_like(g))
    s["m"] = 0.99 * m + 0.01 * g
    return w - RATE * (np.sign(0.9 * m + 0.1 * g) + decay * w)


def muon(w, g, s, t, decay):
    if w.ndim < 2:
        return w - RATE * decay * w - RATE * adam_direction(g, s, t, 0.9, 0.95)
    s["m"] = MOMENTUM * s.get("m", 0) + (1 - MOMENTUM) * g
    x = ((1 - MOMENTUM) * g + MOMENTUM * s["m"]).reshape(len(w), -1)
    flat = x.shape
    x = x / np.linalg.norm(x)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return w - RATE * decay * w - RATE * 0.2 * np.sqrt(max(flat)) * x.reshape(w.shape)


EQUATIONS = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "nadam": nadam,
    "adamw": adamw,
    "lion": lion,
    "muon": muon,
}


def network(layout=torch.contiguous_format, bias=True):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=bias), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 5, 2), nn.Flatten(), nn.Linear(20, 4)
    )
    return model.to(memory_format=layout)


def give_gradients(model, step, layout=torch.contiguous_format):
    """Gradients that depend on the step alone, through a real backward pass."""
    generator = torch.Generator().manual_seed(step)
    pictures = torch.randn(7, 2, 5, 5, generator=generator).contiguous(memory_format=layout)
    model.zero_grad(set_to_none=True)
    model(pictures).square().mean().backward()


def weights(model):
    return {name: p.detach().numpy().astype(np.float64) for name, p in model.named_parameters()}


def decay_of(name):
    return DECAY if name in ("0.weight", "3.weight", "5.weight") else 0.0


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("fused", [False, None])
def test_five_updates_follow_the_equations(name, fused):
    model = network()
    optimizer = build_optimizer(name, model, learning_rate=RATE, weight_decay=DECAY, momentum=MOMENTUM, fused=fused)
    wanted, states = weights(model), {n: {} for n in weights(model)}
    for step in range(1, STEPS + 1):
        give_gradients(model, step)
        for n, p in model.named_parameters():
            is_head_of_muon = name == "muon" and n == "5.weight"
            rule = (
                (lambda w, g, s, t, d: w - RATE * d * w - RATE * adam_direction(g, s, t, 0.9, 0.95))
                if is_head_of_muon
                else EQUATIONS[name]
            )
            wanted[n] = rule(wanted[n], p.grad.double().numpy(), states[n], step, decay_of(n))
        optimizer.step()
        for n, p in model.named_parameters():
            # float32 against float64; the next gradients are taken from the float32 weights, so that errors do not
            # feed back. Lion's sign and Adam's m/√s make a rounding of a gradient near zero visible, hence no tighter
            # bound.
            np.testing.assert_allclose(p.detach().numpy(), wanted[n], rtol=2e-4, atol=2e-5, err_msg=f"{n}, step {step}")


@pytest.mark.parametrize("name", ["adamw", "adam", "momentum", "nesterov", "adagrad", "sgd"])
def test_fused_kernels_agree_with_plain_ones_in_channels_last(name):
    models = [network(torch.channels_last) for _ in range(2)]
    for model, fused in zip(models, (True, False)):
        optimizer = build_optimizer(name, model, learning_rate=RATE, weight_decay=DECAY, fused=fused)
        generator = torch.Generator().manual_seed(5)
        for _ in range(3):
            for p in model.parameters():
                p.grad = torch.empty_like(p).copy_(torch.randn(p.shape, generator=generator))
            optimizer.step()
    for (n, p), q in zip(models[0].named_parameters(), models[1].parameters()):
        # One kernel rounds where several round in between.
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6, msg=n)


def test_muon_agrees_with_torchs_muon_on_matrices():
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(11, 7, bias=False), nn.Tanh(), nn.Linear(7, 13, bias=False), nn.Linear(13, 2, bias=False)
    )
    twin = nn.Sequential(
        nn.Linear(11, 7, bias=False), nn.Tanh(), nn.Linear(7, 13, bias=False), nn.Linear(13, 2, bias=False)
    )
    twin.load_state_dict(model.state_dict())
    ours = build_optimizer("muon", model, learning_rate=RATE, weight_decay=DECAY, momentum=MOMENTUM)
    hidden = [twin[0].weight, twin[2].weight]
    theirs = torch.optim.Muon(hidden, lr=RATE, weight_decay=DECAY, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for p, q in zip(model.parameters(), twin.parameters()):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        ours.step()
        theirs.step()
    # theirs iterates in bfloat16 (8 bits), and an update has entries of about η·0.2 = 0.01.
    torch.testing.assert_close(model[0].weight, twin[0].weight, rtol=0, atol=2e-3)
    torch.testing.assert_close(model[2].weight, twin[2].weight, rtol=0, atol=2e-3)


def test_matrices_of_one_shape_are_brought_to_one_length_each_by_itself():
    matrices = (
        torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 50, 0.02])[:, None, None]
    )
    together = orthogonalize(matrices)
    for matrix, one in zip(matrices, together, strict=True):
        # The products of a stack and of one matrix may be summed in another order.
        torch.testing.assert_close(one, orthogonalize(matrix[None])[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(one, orthogonalize(1000 * matrix[None])[0], rtol=1e-4, atol=1e-5)


def test_muon_leaves_embeddings_norms_biases_and_the_head_to_adamw():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(9, 6)
            self.norm = nn.LayerNorm((5, 6))
            self.hidden = nn.Linear(6, 6)
            self.head = nn.Linear(6, 3)

    optimizer = build_optimizer("muon", Network(), learning_rate=RATE, weight_decay=DECAY)
    methods = {n: g["method"] for g in optimizer.param_groups for n in g["param_names"]}
    assert [n for n, method in methods.items() if method == "muon"] == ["hidden.weight"]
    assert len(methods) == 7


def test_muon_of_a_network_without_hidden_weights_is_adamw():
    model, twin = nn.Linear(5, 3), nn.Linear(5, 3)
    twin.load_state_dict(model.state_dict())
    for m, name, options in ((model, "muon", {}), (twin, "adamw", {"betas": (0.9, 0.95)})):
        optimizer = build_optimizer(name, m, learning_rate=RATE, weight_decay=DECAY, **options)
        m(torch.ones(2, 5)).square().sum().backward()
        optimizer.step()
    assert torch.equal(model.weight, twin.weight)


def test_weight_decay_spares_biases_norms_embeddings_and_what_a_module_names():
    class Network(nn.Module):
        no_weight_decay = ("position",)

        def __init__(self):
            super().__init__()
            self.position = nn.Parameter(torch.zeros(1, 5, 6))
            self.words = nn.Embedding(9, 6)
            self.norm = nn.LayerNorm((5, 6))
            self.linear = nn.Linear(6, 3)
            self.frozen = nn.Linear(6, 3).requires_grad_(False)

    optimizer = build_optimizer("adamw", Network(), learning_rate=RATE, weight_decay=DECAY)
    decayed, spared = optimizer.param_groups
    assert (decayed["weight_decay"], decayed["decays"], decayed["param_names"]) == (DECAY, True, ["linear.weight"])
    assert (spared["weight_decay"], spared["decays"]) == (0.0, False)
    assert spared["param_names"] == ["position", "words.weight", "norm.weight", "norm.bias", "linear.bias"]


def test_a_weight_tied_to_an_embedding_is_spared_and_listed_once():
    model = nn.Sequential(nn.Embedding(9, 6), nn.Linear(6, 9, bias=False))
    model[1].weight = model[0].weight
    (group,) = build_optimizer("adamw", model, learning_rate=RATE, weight_decay=DECAY).param_groups
    assert (group["param_names"], group["decays"]) == (["0.weight"], False)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rates_are_plain_floats_scaled_per_group(name):
    optimizer = build_optimizer(name, network(), learning_rate=RATE)
    assert all(type(g["lr"]) is float and g["lr_scale"] == 1.0 for g in optimizer.param_groups)
    optimizer.param_groups[-1]["lr_scale"] = 0.25
    set_lr(optimizer, 0.4)
    assert optimizer.param_groups[-1]["lr"] == 0.1
    assert all(g["lr"] == 0.4 for g in optimizer.param_groups[:-1])


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_saved_and_resumed_training_equals_uninterrupted_training_to_the_bit(name, layout):
    def train(model, optimizer, first, last):
        for step in range(first, last):
            set_lr(optimizer, RATE / (step + 1))
            give_gradients(model, step, layout)
            optimizer.step()

    def fresh(rate=RATE):
        model = network(layout)
        return model, build_optimizer(name, model, learning_rate=rate, weight_decay=DECAY)

    whole, optimizer = fresh()
    train(whole, optimizer, 0, 10)

    first, optimizer = fresh()
    train(first, optimizer, 0, 5)
    # As they come from a file: contiguous, and through JSON.
    tensors = {n: t.clone(memory_format=torch.contiguous_format) for n, t in optimizer_tensors(optimizer).items()}
    scalars = json.loads(json.dumps(optimizer_scalars(optimizer), allow_nan=False))
    second, restored = fresh(rate=0.7)
    with torch.no_grad():
        for target, source in zip([*second.parameters(), *second.buffers()], [*first.parameters(), *first.buffers()]):
            target.copy_(source)
    load_optimizer_tensors(restored, tensors, scalars)
    assert optimizer_scalars(restored) == optimizer_scalars(optimizer)
    assert all(torch.equal(t, tensors[n]) for n, t in optimizer_tensors(restored).items())
    for p in second.parameters():
        for slot, value in restored.state.get(p, {}).items():
            if slot not in ("step", "mu_product"):
                assert value.stride() == p.stride(), slot
    train(second, restored, 5, 10)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters()))


def test_an_optimizer_saved_before_its_first_step_is_restored():
    model = network()
    optimizer = build_optimizer("momentum", model, learning_rate=RATE)
    load_optimizer_tensors(optimizer, optimizer_tensors(optimizer), optimizer_scalars(optimizer))
    give_gradients(model, 0)
    optimizer.step()
    assert len(optimizer_tensors(optimizer)) == 8


def test_a_parameter_that_never_had_a_gradient_has_no_state_to_save():
    model = nn.ModuleDict({"used": nn.Linear(3, 2, bias=False), "unused": nn.Linear(3, 2, bias=False)})
    optimizer = build_optimizer("adamw", model, learning_rate=RATE)
    model["used"](torch.ones(1, 3)).sum().backward()
    optimizer.step()
    saved = optimizer_tensors(optimizer)
    assert set(saved) == {"used.weight/step", "used.weight/exp_avg", "used.weight/exp_avg_sq"}
    load_optimizer_tensors(optimizer, saved, optimizer_scalars(optimizer))


DAMAGES = {
    "a tensor is missing": lambda t, s: t.pop("0.weight/exp_avg"),
    "a slot is missing in both": lambda t, s: (t.pop("0.weight/exp_avg"), s["tensors"].remove("0.weight/exp_avg")),
    "a tensor too many": lambda t, s: t.update({"0.weight/more": torch.zeros(1)}),
    "a stranger": lambda t, s: (t.update({"zz/exp_avg": torch.zeros(1)}), s["tensors"].append("zz/exp_avg")),
    "a shape": lambda t, s: t.update({"0.weight/exp_avg": torch.zeros(3, 2, 3)}),
    "a type": lambda t, s: t.update({"0.weight/exp_avg": torch.zeros(3, 2, 3, 3, dtype=torch.float64)}),
    "a counter that is no number": lambda t, s: t.update({"0.weight/step": torch.tensor(float("nan"))}),
    "a counter of many numbers": lambda t, s: t.update({"0.weight/step": torch.zeros(2)}),
    "another optimizer": lambda t, s: s.update(kind="SGD"),
    "no document": lambda t, s: s.clear(),
    "a group too few": lambda t, s: s["groups"].pop(),
    "parameters in another order": lambda t, s: s["groups"][0]["parameters"].reverse(),
    "a setting missing": lambda t, s: s["groups"][0]["settings"].pop("eps"),
    "a setting too many": lambda t, s: s["groups"][0]["settings"].update(params=[]),
    "a setting of another type": lambda t, s: s["groups"][0]["settings"].update(lr="high"),
    "a setting that is no number": lambda t, s: s["groups"][0]["settings"].update(lr=float("inf")),
    "a setting of another length": lambda t, s: s["groups"][0]["settings"].update(betas=[0.9]),
    **{
        f"one wrong number of two, {pair}": lambda t, s, pair=pair: s["groups"][0]["settings"].update(betas=pair)
        for pair in ([0.9, 1.0], [-0.1, 0.9], [0.9, "high"], [math.nan, 0.9])
    },
    "a setting beyond all bounds": lambda t, s: s["groups"][0]["settings"].update(lr=1.1e10),
    "values that are no object": lambda t, s: s["values"].update({"0.weight": 3}),
    "a value that is code": lambda t, s: s["values"].update({"0.weight": {"exp_avg": "print()"}}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_saved_state_that_does_not_fit_is_refused_and_changes_nothing(damage):
    model = network()
    optimizer = build_optimizer("adamw", model, learning_rate=RATE)
    give_gradients(model, 0)
    optimizer.step()
    tensors = {n: t + 1 for n, t in optimizer_tensors(optimizer).items()}
    scalars = json.loads(json.dumps(optimizer_scalars(optimizer)))
    scalars["groups"][0]["settings"]["lr"] = 0.9
    before = {n: t.clone() for n, t in optimizer_tensors(optimizer).items()}
    DAMAGES[damage](tensors, scalars)
    scalars.get("tensors", []).sort()
    with pytest.raises(RefusedFileError, match=r"The saved optimizer state (is refused|cannot be restored)"):
        load_optimizer_tensors(optimizer, tensors, scalars)
    assert all(torch.equal(t, before[n]) for n, t in optimizer_tensors(optimizer).items())
    assert optimizer.param_groups[0]["lr"] == RATE


def test_a_momentum_that_is_none_as_yet_goes_to_json_and_back():
    model = nn.Linear(3, 2, bias=False)
    optimizer = build_optimizer("momentum", model, learning_rate=RATE)
    optimizer.state[model.weight]["momentum_buffer"] = None
    scalars = json.loads(json.dumps(optimizer_scalars(optimizer)))
    again = build_optimizer("momentum", model, learning_rate=RATE)
    load_optimizer_tensors(again, {}, scalars)
    assert again.state[model.weight] == {"momentum_buffer": None}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_torchs_own_state_dict_goes_round_too(name):
    models = [network() for _ in range(2)]
    optimizers = [build_optimizer(name, m, learning_rate=RATE, weight_decay=DECAY) for m in models]
    for step in range(4):
        if step == 2:
            optimizers[1] = build_optimizer(name, models[1], learning_rate=RATE, weight_decay=DECAY)
            optimizers[1].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
        for model, optimizer in zip(models, optimizers):
            give_gradients(model, step)
            optimizer.step()
    assert all(torch.equal(p, q) for p, q in zip(*(m.parameters() for m in models)))


def test_fused_is_taken_where_it_exists_and_demanded_in_vain_elsewhere():
    model = network()
    assert build_optimizer("adamw", model, learning_rate=RATE).param_groups[0]["fused"] is True
    assert build_optimizer("adamw", model, learning_rate=RATE, fused=False).param_groups[0]["fused"] is False
    assert [supports_fused(name, "cpu") for name in ("sgd", "adagrad", "rmsprop")] == [True, True, False]
    with pytest.raises(UsageError, match="no fused kernel on cpu"):
        build_optimizer("rmsprop", model, learning_rate=RATE, fused=True)


def test_a_wrong_name_option_or_value_is_answered_with_what_is_meant():
    model = network()
    with pytest.raises(UnknownNameError, match="'adamw'"):
        build_optimizer("adamww", model, learning_rate=RATE)
    with pytest.raises(UnknownNameError, match="'betas'"):
        build_optimizer("adamw", model, learning_rate=RATE, beta=0.9)
    with pytest.raises(UsageError, match="betas"):
        build_optimizer("adamw", model, learning_rate=RATE, betas=[0.9])
    with pytest.raises(UsageError, match="cannot be built"):
        build_optimizer("lion", model, learning_rate=-1.0)
    with pytest.raises(UsageError, match="momentum=0"):
        build_optimizer("nesterov", model, learning_rate=RATE, momentum=0)
    with pytest.raises(UsageError, match="no trainable parameter"):
        build_optimizer("sgd", model.requires_grad_(False), learning_rate=RATE)
    with pytest.raises(UnknownNameError):
        supports_fused("nothing", "cpu")


# ε as the papers and PyTorch have it: 10⁻⁸ (Kingma and Ba 2015, algorithm 1), 10⁻¹⁰ of Adagrad. What it is shows only
# where gradients are as small.
EPSILON = {"adam": 1e-8, "adamw": 1e-8, "nadam": 1e-8, "rmsprop": 1e-8, "muon": 1e-8, "adagrad": 1e-10}


@pytest.mark.parametrize("name", EPSILON)
def test_epsilon_is_that_of_the_paper(name):
    optimizer = build_optimizer(name, network(), learning_rate=RATE)
    assert {group["eps"] for group in optimizer.param_groups if "eps" in group} == {EPSILON[name]}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adam", {"eps": 1e-3, "betas": (0.8, 0.99), "amsgrad": True}),
        ("adamw", {"eps": 1e-3, "betas": (0.8, 0.99), "amsgrad": True}),
        ("nadam", {"eps": 1e-3, "betas": (0.8, 0.99)}),
        ("rmsprop", {"eps": 1e-3, "alpha": 0.9, "centered": True}),
        ("adagrad", {"eps": 1e-3}),
        ("lion", {"betas": (0.8, 0.95)}),
        ("muon", {"nesterov": False, "num_iterations": 3}),
        ("muon", {"eps": 1e-3, "betas": (0.8, 0.99)}),
        ("momentum", {"dampening": 0.4}),
    ],
)
@pytest.mark.parametrize("fused", [False, None])
def test_options_of_an_optimizer_reach_it(name, options, fused):
    fused = False if options.get("amsgrad") else fused
    groups = build_optimizer(name, network(), learning_rate=RATE, fused=fused, **options).param_groups
    for option, value in options.items():
        assert value in {group[option] for group in groups if option in group}
