"""The worked 3-3-3-3 example is what autograd computes, and each erratum of its slides is proved."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from derin.explain.trace.example_errata import (
    ERRATA,
    SLIDE_D_H2,
    SLIDE_D_OUTPUT,
    SLIDE_GRADIENT,
    SLIDE_LOGITS,
    SLIDE_NEW_WEIGHTS,
    SLIDE_OUTPUT,
    SLIDE_SIGMOID_SLOPE,
    SLIDE_SOFTMAX_SLOPE,
    Erratum,
)
from derin.explain.trace.example_text import (
    example_document,
    loss_with_the_slides_weights,
    render_example_markdown,
    render_example_text,
)
from derin.explain.trace.examples import network_3_3_3_3, trace_3_3_3_3, work_3_3_3_3

WORKED = work_3_3_3_3()


def erratum(slide: int, quantity: str) -> Erratum:
    return next(one for one in ERRATA if (one.slide, one.quantity) == (slide, quantity))


def by_autograd(name: str) -> tuple[float, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The loss, and parameters after a step of SGD at 0.01, their gradients."""
    network = network_3_3_3_3()
    output = network(torch.tensor([[0.1, 0.2, 0.7]], dtype=torch.float64))[0]
    target = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    if name == "binary":
        loss = torch.nn.functional.binary_cross_entropy(output, target, reduction="sum")
    else:
        loss = torch.nn.functional.nll_loss(output.log(), torch.tensor(0))
    loss.backward()
    gradients = {key: value.grad.numpy().copy() for key, value in network.named_parameters()}
    torch.optim.SGD(network.parameters(), lr=0.01).step()
    return loss.item(), {key: value.detach().numpy() for key, value in network.named_parameters()}, gradients


def test_the_forward_pass_has_the_numbers_of_the_curriculum() -> None:
    assert WORKED.h1_out.tolist() == pytest.approx([1.35, 1.27, 1.8])
    assert WORKED.h2_in.tolist() == pytest.approx([2.731, 2.76, 4.004])
    assert WORKED.output.round(5).tolist() == [0.19845, 0.28536, 0.51620]
    assert round(WORKED.backward["categorical"].loss, 5) == 1.61723
    assert round(WORKED.backward["binary"].loss, 5) == 2.67928


@pytest.mark.parametrize("name", ["binary", "categorical"])
def test_loss_gradients_and_new_parameters_are_those_of_autograd(name: str) -> None:
    loss, after, gradients = by_autograd(name)
    found = WORKED.backward[name]
    assert found.loss == pytest.approx(loss, rel=1e-12)
    for module, key in (("hidden1", "ij"), ("hidden2", "jk"), ("output", "kl")):
        layer = found.layer(key)
        np.testing.assert_allclose(layer.gradient.T, gradients[f"{module}.weight"], rtol=1e-12)
        np.testing.assert_allclose(layer.delta, gradients[f"{module}.bias"], rtol=1e-12)
        np.testing.assert_allclose(layer.new_weights.T, after[f"{module}.weight"], rtol=1e-12)
        np.testing.assert_allclose(layer.new_biases, after[f"{module}.bias"], rtol=1e-12)


@pytest.mark.parametrize("name", ["binary", "categorical"])
def test_the_engine_of_the_trace_finds_the_same_numbers(name: str) -> None:
    found, worked = trace_3_3_3_3(name), WORKED.backward[name]
    assert found.loss == pytest.approx(worked.loss, rel=1e-12)
    assert max(found.differences.values()) < 1e-12
    new = {update.name: update.new_parameter for update in found.updates}
    for module, key in (("hidden1", "ij"), ("hidden2", "jk"), ("output", "kl")):
        layer = worked.layer(key)
        np.testing.assert_allclose(found.gradients[f"{module}.weight"].T, layer.gradient, rtol=1e-12)
        np.testing.assert_allclose(new[f"{module}.weight"].T, layer.new_weights, rtol=1e-12)
        np.testing.assert_allclose(new[f"{module}.bias"], layer.new_biases, rtol=1e-12)


def test_the_right_step_lowers_the_loss_far_more_than_the_slides_do() -> None:
    right = WORKED.backward["binary"]
    # To first order a step lowers the loss by η‖g‖².
    squares = sum((layer.gradient**2).sum() + (layer.delta**2).sum() for layer in right.layers)
    assert right.loss - right.loss_after == pytest.approx(0.01 * squares, rel=0.05)
    assert right.loss - loss_with_the_slides_weights(WORKED) < 0.02 * (right.loss - right.loss_after)


def test_an_erratum_prints_a_number_that_is_not_the_right_one() -> None:
    for one in ERRATA:
        if isinstance(one.printed, str):
            assert one.printed != one.right
            continue
        assert not isinstance(one.right, str)
        # To the digits that are printed.
        digits = [len(format(value, ".10g").partition(".")[2]) for value in one.printed]
        right = [round(float(value), digit) for value, digit in zip(one.right(WORKED), digits, strict=True)]
        assert right != list(one.printed), one.quantity


def test_slide_7_divided_by_the_sum_instead_of_taking_a_softmax() -> None:
    np.testing.assert_allclose(SLIDE_LOGITS / SLIDE_LOGITS.sum(), SLIDE_OUTPUT, atol=6e-5)
    np.testing.assert_allclose(
        np.array([0.938, 0.94, 0.98]) @ WORKED.weights["kl"] + 1, SLIDE_LOGITS, atol=1e-12, err_msg="z"
    )


def test_slide_8_took_logarithms_to_base_10() -> None:
    probabilities = np.array([SLIDE_OUTPUT[0], *(1 - SLIDE_OUTPUT[1:])])
    np.testing.assert_allclose(-np.log10(probabilities).round(5), [0.56896, 0.16896, 0.22753], atol=1e-9)
    assert -np.log10(probabilities).sum() == pytest.approx(0.97, abs=5e-3)


def test_slide_11_has_a_wrong_exponential_in_its_third_slope() -> None:
    powers = np.exp(SLIDE_LOGITS)
    wrong = powers[2] * (powers[0] + powers[2]) / powers.sum() ** 2
    assert round(wrong, 4) == SLIDE_SOFTMAX_SLOPE[2]
    right = powers[:2] * (powers.sum() - powers[:2]) / powers.sum() ** 2
    np.testing.assert_allclose(right, SLIDE_SOFTMAX_SLOPE[:2], atol=6e-5)


def test_slide_12_multiplied_a_factor_in_twice() -> None:
    twice = SLIDE_D_OUTPUT[1] * 0.204**2 * np.array([0.938, 0.94, 0.98])
    np.testing.assert_allclose(twice, erratum(12, "∂E/∂W_kl[·, 2]").printed, atol=6e-5)


def test_slides_13_and_19_slipped_in_their_decimals() -> None:
    for key in ("kl", "jk", "ij"):
        by_its_own_gradient = WORKED.weights[key] - 0.01 * SLIDE_GRADIENT[key]
        wrong = np.abs(by_its_own_gradient - SLIDE_NEW_WEIGHTS[key]) > 2e-6
        named = {one.quantity for one in ERRATA if one.quantity.startswith("W_")}
        letters = {"kl": "W_k{}l{}", "jk": "W_j{}k{}", "ij": "W_i{}j{}"}[key]
        assert {letters.format(row + 1, column + 1) for row, column in np.argwhere(wrong)} <= named
    # 0.0055…, 0.0058…, 0.0057… and 0.0060… were added as a tenth of themselves.
    for row, column in ((1, 0), (1, 2), (2, 0), (2, 2)):
        step = SLIDE_NEW_WEIGHTS["kl"][row, column] - WORKED.weights["kl"][row, column]
        assert -0.001 * SLIDE_GRADIENT["kl"][row, column] == pytest.approx(step, rel=0.01)
    assert SLIDE_NEW_WEIGHTS["jk"][2, 2] - 0.8 == pytest.approx(-0.1 * SLIDE_GRADIENT["jk"][2, 2], rel=1e-9)


def test_slide_15_used_sigmoids_that_were_cut() -> None:
    cut = np.array([0.938, 0.94, 0.98])
    np.testing.assert_allclose(cut * (1 - cut), SLIDE_SIGMOID_SLOPE, atol=1e-9)
    assert SLIDE_SIGMOID_SLOPE[2] / WORKED.backward["binary"].layer("jk").slope[2] == pytest.approx(1.11, abs=0.01)


@pytest.mark.parametrize(("output", "factor"), [(1, 0.4038), (2, 0.4391)])
def test_slide_18_multiplied_by_another_number_than_it_shows(output: int, factor: float) -> None:
    products = WORKED.weights["kl"][:, output] * SLIDE_D_OUTPUT[output] * factor
    # The slide cuts rather than rounds, at three to five digits.
    np.testing.assert_allclose(products, erratum(18, f"∂E_{output + 1}/∂h2_out").printed, atol=4e-4)


def test_slide_18_sums_its_products() -> None:
    first = WORKED.weights["kl"][:, 0] * SLIDE_D_OUTPUT[0] * SLIDE_SOFTMAX_SLOPE[0]
    others = np.add(erratum(18, "∂E_2/∂h2_out").printed, erratum(18, "∂E_3/∂h2_out").printed)
    np.testing.assert_allclose(first + others, SLIDE_D_H2, atol=3e-4)


def test_slide_22_used_the_diagonal_alone() -> None:
    diagonal = np.diag(WORKED.weights["jk"]) * SLIDE_D_H2 * SLIDE_SIGMOID_SLOPE
    np.testing.assert_allclose(diagonal, erratum(22, "∂E/∂h1_out").printed, atol=6e-5)


def test_every_erratum_that_the_curriculum_lists_is_there() -> None:
    everything = [str(value) for one in ERRATA if not isinstance(one.printed, str) for value in one.printed]
    listed = ["4.001", "-0.2383", "-0.417", "-0.5931", "-0.14828"]
    listed += ["0.30055", "0.2005849", "0.5005779", "0.9006098", "0.803813"]
    assert set(listed) <= set(everything)


def test_text_and_markdown_show_every_new_parameter() -> None:
    text, markdown = render_example_text(WORKED), render_example_markdown(WORKED)
    for page in (text, markdown):
        for found in WORKED.backward.values():
            for layer in found.layers:
                for value in [*layer.new_weights.ravel(), *layer.new_biases]:
                    assert f"= {value:.6f}" in page
        for number in ("0.198447", "0.285356", "0.516198", "1.617234", "2.679283", "0.2005849"):
            assert number in page
    widths = {line.count("|") for line in re.findall(r"^\|.*\|$", markdown, re.MULTILINE) if "W" in line}
    assert widths <= {4, 5, 7}


def test_a_line_of_the_text_says_what_it_computes() -> None:
    """Every `a·b + … = c` that the text prints is true to the digits printed."""
    found = re.findall(
        r"(?<!− )(?<![\d.(])((?:\(?-?[\d.]+\)?·\(?-?[\d.]+\)?(?: \+ )?)+(?: ?\+ 1)?)(?: = |  +)(-?\d+\.\d{6})",
        render_example_text(WORKED),
    )
    assert len(found) > 90
    for left, right in found:
        total = sum(
            float(np.prod([float(factor.strip("()")) for factor in term.split("·")])) for term in left.split(" + ")
        )
        # Each of up to three products has factors that are off by half a millionth.
        assert total == pytest.approx(float(right), abs=1e-5), left


def test_the_example_speaks_turkish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    text = render_example_text(WORKED)
    assert "Çözümlü örnek" in text
    assert "0,198447" in text
    assert "0.198447" not in text


def test_the_document_holds_what_the_text_tells() -> None:
    document = example_document(WORKED)
    assert [round(value, 5) for value in document["forward"]["output"]] == [0.19845, 0.28536, 0.51620]
    assert document["backward"]["binary"]["layers"]["kl"]["new_biases"][0] == pytest.approx(1.010925, abs=1e-6)
    assert len(document["errata"]) == len(ERRATA)
