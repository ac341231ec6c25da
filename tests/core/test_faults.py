from __future__ import annotations

import errno
import timeit

import pytest

from derin.core.faults import FAULT_POINTS, fault_point, faults, parse_fault


def test_a_fault_is_met_at_the_asked_passing_of_the_asked_point() -> None:
    with faults(parse_fault("write.synced:2:ENOSPC")):
        fault_point("write.synced")
        fault_point("write.renamed")
        with pytest.raises(OSError) as caught:
            fault_point("write.synced")
        fault_point("write.synced")
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("text", ["", "write.synced", "write.synced:x", "nowhere:1", "write.synced:1:ENOSUCH"])
def test_a_fault_that_could_never_be_met_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="DERIN_FAULT must be"):
        parse_fault(text)


def test_names_of_points_are_different() -> None:
    assert len(set(FAULT_POINTS)) == len(FAULT_POINTS)


def test_without_a_fault_a_point_costs_nothing_beside_a_write() -> None:
    # A write of one byte takes 20 µs at best; a point takes 0.1 µs. The bound leaves a busy machine a factor of 50.
    assert min(timeit.repeat(lambda: fault_point("write.synced"), number=1000, repeat=5)) / 1000 < 5e-6
