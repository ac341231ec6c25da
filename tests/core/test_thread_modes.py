"""What a training sets in the thread that calls for it holds there and in torch's workers, and is put back."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator

import pytest
import torch

from derin.core import denormals
from derin.core.thread_modes import training_modes


@pytest.fixture
def _two_workers() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_two_workers")
def test_denormals_are_zero_on_every_worker_and_only_meanwhile() -> None:
    torch.randn(300, 300) @ torch.randn(300, 300)  # the caller's workers exist already
    tiny = torch.full((1 << 20,), 2.0**-130)  # large enough to be shared out among workers

    def count() -> int:
        return int((tiny * 0.5 != 0).sum())

    for _ in range(2):
        with training_modes():
            assert count() == 0
            with training_modes():
                assert count() == 0
            assert count() == 0
            elsewhere: list[int] = []
        thread = threading.Thread(target=lambda into=elsewhere: into.append(count()))
        thread.start()
        thread.join()
        assert elsewhere == [len(tiny)]
        assert count() == len(tiny)


def test_a_program_that_flushes_denormals_goes_on_to() -> None:
    torch.set_flush_denormal(True)
    try:
        with training_modes():
            pass
        assert float(torch.tensor([2.0]) ** -140 * 2) == 0
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.parametrize("exported", [(), ("omp_pause_resource_all", "kmp_get_blocktime")])
def test_workers_of_other_libraries_than_gnus_are_left_alone(
    exported: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(kind: int) -> None:
        raise AssertionError("called")

    library = type("Library", (), dict.fromkeys(exported, staticmethod(refuse)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(sys, "platform", "linux")
    denormals._send_idle_workers_away()


def test_what_surrounds_the_call_changes_nothing_of_a_training() -> None:
    weight = torch.ones(2, 2, requires_grad=True)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        with training_modes(3):
            product = weight @ weight
            product.sum().backward()
            assert (torch.get_num_threads(), product.dtype) == (3, torch.float32)
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")
    assert weight.grad is not None
