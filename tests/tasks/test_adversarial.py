"""Attacks against networks whose best attack is known in closed form, and training against them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import UnknownNameError, UsageError
from derin.data.batch import Batch
from derin.tasks.adversarial import PixelScale, attack, fgsm, pgd, random_start, read_epsilon
from derin.tasks.adversarial_training import AdversarialTraining, adversarially, attack_of
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification

SCALE = PixelScale(mean=(0.4, 0.5, 0.3), std=(0.2, 0.25, 0.5))
EPSILON = 6 / 255
SHAPE = (3, 4, 5)


def images(num=7, seed=0):
    """Pixels away from black and white, and the network's input that they become."""
    pixels = np.random.default_rng(seed).uniform(0.2, 0.8, (num, *SHAPE))
    mean, std = (np.array(values)[:, None, None] for values in (SCALE.mean, SCALE.std))
    return pixels, torch.tensor((pixels - mean) / std, dtype=torch.float32)


class Flat(nn.Module):
    def __init__(self, num_outputs, seed=0):
        super().__init__()
        self.linear = nn.Linear(60, num_outputs)
        rng = np.random.default_rng(seed)
        self.linear.weight.data = torch.tensor(rng.normal(size=(num_outputs, 60)) / 4, dtype=torch.float32)
        self.linear.bias.data = torch.tensor(rng.normal(size=num_outputs), dtype=torch.float32)

    def forward(self, x):
        return self.linear(x.flatten(1))


def classes(num=5):
    return Classification(columns=["kind"], classes=[f"c{i}" for i in range(num)])


def batch_of(x, target):
    return Batch({"input": x, "target": torch.as_tensor(target)}, torch.arange(len(x)))


def pixels_of(x):
    return SCALE.pixels(x).double().numpy()


def losses_by_hand(network, pixels, target):
    """Cross-entropy of a linear softmax network and its gradient for the pixels, in NumPy."""
    mean, std = (np.array(values)[:, None, None] for values in (SCALE.mean, SCALE.std))
    weight, bias = (p.detach().double().numpy() for p in (network.linear.weight, network.linear.bias))
    logits = ((pixels - mean) / std).reshape(len(pixels), -1) @ weight.T + bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    gradient = ((shares - np.eye(len(bias))[target]) @ weight).reshape(pixels.shape) / std
    return -np.log(shares[np.arange(len(pixels)), target]), gradient


def test_fgsm_moves_every_pixel_by_epsilon_along_the_gradient_derived_by_hand():
    pixels, x = images()
    network, target = Flat(5), np.array([0, 1, 2, 3, 4, 0, 1])
    _, gradient = losses_by_hand(network, pixels, target)
    changed = attack(network, classes(), batch_of(x, target), method="fgsm", epsilon=EPSILON, scale=SCALE)
    np.testing.assert_allclose(pixels_of(changed), pixels + EPSILON * np.sign(gradient), atol=2e-6)


def test_fgsm_reaches_the_largest_loss_that_a_linear_network_can_have():
    _, x = images()
    network, target = Flat(1), torch.tensor([0.0, 1, 1, 0, 1, 0, 1])
    task = Binary(columns=["sick"], classes=["no", "yes"])
    changed = attack(network, task, batch_of(x, target), method="fgsm", epsilon=EPSILON, scale=SCALE)
    with torch.no_grad():
        before, after = network(x)[:, 0], network(changed)[:, 0]
    std = np.array(SCALE.std).repeat(20)
    # max over ‖δ‖∞ ≤ ε of wᵀδ is ε ‖w‖₁: the dual norm.
    reach = EPSILON * np.abs(network.linear.weight[0].detach().numpy() / std).sum()
    wanted = before + torch.where(target == 1, -reach, reach)
    torch.testing.assert_close(after, wanted, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("num_steps", [1, 4, 9])
def test_pgd_stays_within_epsilon_and_reaches_the_largest_loss_of_a_linear_network(num_steps):
    pixels, x = images()
    network, target = Flat(1, seed=3), torch.tensor([0.0, 1, 1, 0, 1, 0, 1])
    task = Binary(columns=["sick"], classes=["no", "yes"])
    options = {"method": "pgd", "epsilon": EPSILON, "scale": SCALE, "num_steps": num_steps}
    changed = attack(network, task, batch_of(x, target), **options)
    assert np.abs(pixels_of(changed) - pixels).max() <= EPSILON + 1e-6
    reach = EPSILON * np.abs(network.linear.weight[0].detach().numpy() / np.array(SCALE.std).repeat(20)).sum()
    with torch.no_grad():
        wanted = network(x)[:, 0] + torch.where(target == 1, -reach, reach)
        torch.testing.assert_close(network(changed)[:, 0], wanted, atol=1e-4, rtol=1e-5)


def test_pgd_starts_at_a_point_of_the_ball_that_is_the_pictures_own_whatever_the_batch(monkeypatch):
    pixels, x = images(40)
    starts = []

    def noting(loss, x, *, start, **options):
        starts.append(start)
        return start

    monkeypatch.setattr("derin.tasks.adversarial.pgd", noting)
    options = {"method": "pgd", "epsilon": EPSILON, "scale": SCALE}
    whole = batch_of(x, np.arange(40) % 5)
    part = Batch({name: column[7:20] for name, column in whole.columns.items()}, whole.rows[7:20])
    for batch, seed in ((whole, 3), (part, 3), (whole, 4)):
        attack(Flat(5), classes(), batch, seed=seed, **options)
    change = (pixels_of(starts[0]) - pixels) / EPSILON
    assert 0.99 < np.abs(change).max() <= 1 + 1e-4
    # Even on −1..1: mean 0, standard deviation 1/√3; 2 400 draws.
    assert abs(change.mean()) < 0.04
    assert change.std() == pytest.approx(3**-0.5, abs=0.02)
    assert torch.equal(starts[0][7:20], starts[1])
    assert not torch.isclose(starts[0], starts[2]).any(dim=0).all()


def test_pgd_finds_from_its_random_start_what_lies_behind_a_flat_place():
    """At the picture itself the gradient is 0, so that an attack that began there would never leave it."""

    class Flat(nn.Module):
        def forward(self, x):
            far = SCALE.pixels(x).sub(0.5).square().sum((1, 2, 3))
            return torch.stack([torch.zeros_like(far), 1000 * far], dim=1)

    mean, std = (torch.tensor(values)[:, None, None] for values in (SCALE.mean, SCALE.std))
    x = ((0.5 - mean) / std).expand(3, 3, 4, 5).contiguous()
    changed = attack(Flat(), classes(2), batch_of(x, [0, 0, 0]), method="pgd", epsilon=EPSILON, scale=SCALE)
    np.testing.assert_allclose(np.abs(pixels_of(changed) - 0.5), EPSILON, atol=1e-5)


def test_pgd_keeps_the_strongest_point_where_the_way_leads_past_it():
    x = torch.full((1, 1, 1, 1), 0.5)
    scale = PixelScale(mean=(0.0,), std=(1.0,))
    # The loss is highest at 0.55; a step of 0.2 from 0.5 leads to 0.7 and back.
    found = pgd(lambda v: -(v - 0.55).abs().sum((1, 2, 3)), x, epsilon=0.3, scale=scale, num_steps=1, step_size=0.2)
    assert found.item() == 0.5


def test_changed_pictures_are_pictures():
    rng = np.random.default_rng(1)
    pixels = rng.choice([0.0, 1.0, 0.5], (7, *SHAPE))
    mean, std = (np.array(values)[:, None, None] for values in (SCALE.mean, SCALE.std))
    x = torch.tensor((pixels - mean) / std, dtype=torch.float32)
    for method in ("fgsm", "pgd"):
        batch = batch_of(x, np.arange(7) % 5)
        changed = attack(Flat(5), classes(), batch, method=method, epsilon=0.2, scale=SCALE)
        found = pixels_of(changed)
        assert found.min() >= -1e-6
        assert found.max() <= 1 + 1e-6
        assert np.abs(found - pixels).max() > 0.15


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_an_attack_with_a_target_raises_its_probability(method):
    _, x = images()
    network = Flat(5)
    batch = batch_of(x, np.arange(7) % 5)
    changed = attack(network, classes(), batch, method=method, epsilon=EPSILON, scale=SCALE, target=2)
    with torch.no_grad():
        before, after = (network(v).softmax(1)[:, 2] for v in (x, changed))
    assert (after > before).all()


def test_an_attack_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.ReLU(inplace=True), nn.BatchNorm2d(3), nn.Dropout(0.5), Flat(5))
    network.train()
    network[1].eval()
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    _, x = images()
    given = x.clone()
    attack(network, classes(), batch_of(x, np.arange(7) % 5), method="pgd", epsilon=EPSILON, scale=SCALE)
    assert torch.equal(x, given)
    assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    assert [m.training for m in network] == [True, False, True, True]


def test_random_starts_fill_the_ball_and_come_from_torchs_generator():
    pixels, x = images(40)
    torch.manual_seed(5)
    first = random_start(x, epsilon=EPSILON, scale=SCALE)
    torch.manual_seed(5)
    assert torch.equal(first, random_start(x, epsilon=EPSILON, scale=SCALE))
    change = (pixels_of(first) - pixels) / EPSILON
    assert 0.99 < np.abs(change).max() <= 1 + 1e-4
    # Even on −1..1: mean 0, standard deviation 1/√3; 2 400 draws.
    assert abs(change.mean()) < 0.04
    assert change.std() == pytest.approx(3**-0.5, abs=0.02)


class RecordingStep:
    """A step that keeps what is learned from."""

    def __init__(self, model):
        self.model, self.index, self.seen = model, 0, []

    def autocast(self):
        return torch.autocast("cpu", enabled=False)

    def minimize(self, name, loss, weight):
        self.seen.append((name, loss.item(), weight))


def test_training_learns_from_pictures_that_are_worse_and_within_epsilon():
    pixels, x = images(30)
    network, target = Flat(5), np.arange(30) % 5
    task = AdversarialTraining(classes(), epsilon=EPSILON, scale=SCALE)
    batch = batch_of(x, target)
    step = RecordingStep(network)
    torch.manual_seed(0)
    task.update(step, batch)
    clean = losses_by_hand(network, pixels, target)[0].mean()
    worst = losses_by_hand(network, pixels + EPSILON * np.sign(losses_by_hand(network, pixels, target)[1]), target)
    ((name, loss, weight),) = step.seen
    assert (name, weight) == ("model", 30)
    assert clean < loss <= worst[0].mean() + 0.01
    torch.manual_seed(0)
    seen = pixels_of(task.perturbed(step, batch))
    assert losses_by_hand(network, seen, target)[0].mean() == pytest.approx(loss, abs=1e-4)
    assert np.abs(seen - pixels).max() <= EPSILON + 1e-6


def test_the_task_is_itself_in_all_but_the_update():
    inner = classes()
    task = AdversarialTraining(inner, epsilon=EPSILON, scale=SCALE)
    assert task.to_json() == inner.to_json()
    assert (task.name, task.monitor, task.num_outputs) == ("classification", "accuracy", 5)
    assert json.loads(json.dumps(attack_of(task)))["adversarial"]["epsilon"] == EPSILON
    assert attack_of(inner) == {}


def test_epsilon_is_read_as_people_write_it():
    assert read_epsilon("8/255") == 8 / 255
    assert read_epsilon(0.25) == 0.25
    for text in ("8", "-1/255", "1/0", "nan", "much", "3/2"):
        with pytest.raises(UsageError, match="such as 8/255"):
            read_epsilon(text)


def test_wrong_use_is_named():
    rows = SimpleNamespace(input_kind="features", reads_pictures=False)
    with pytest.raises(UsageError, match="this network reads features"):
        adversarially(classes(), rows, "4/255")
    with pytest.raises(UsageError, match="above 0"):
        AdversarialTraining(classes(), epsilon=0.0, scale=SCALE)
    _, x = images(2)
    with pytest.raises(UnknownNameError, match="fgsm"):
        attack(Flat(5), classes(), batch_of(x, [0, 1]), method="fgms", epsilon=0.1, scale=SCALE)
    with pytest.raises(UsageError, match="at least one step"):
        pgd(lambda v: v.sum((1, 2, 3)), x, epsilon=0.1, scale=SCALE, num_steps=0)


def test_a_start_of_ones_own_and_a_longer_reach_stay_within_epsilon():
    pixels, x = images()
    start = random_start(x, epsilon=EPSILON, scale=SCALE)
    found = fgsm(lambda v: v.sum((1, 2, 3)), x, epsilon=EPSILON, scale=SCALE, start=start, reach=1.25)
    change = pixels_of(found) - pixels
    wanted = np.minimum(pixels_of(start) - pixels + 1.25 * EPSILON, EPSILON)
    np.testing.assert_allclose(change, wanted, atol=2e-6)


def test_an_attack_takes_ten_steps_unless_told_otherwise(monkeypatch):
    taken = []

    def noting(loss, x, *, num_steps, **options):
        taken.append(num_steps)
        return x

    monkeypatch.setattr("derin.tasks.adversarial.pgd", noting)
    batch = batch_of(images(2)[1], [0, 1])
    options = {"method": "pgd", "epsilon": EPSILON, "scale": SCALE}
    attack(Flat(5), classes(), batch, **options)
    attack(Flat(5), classes(), batch, **options, num_steps=3)
    assert taken == [10, 3]
