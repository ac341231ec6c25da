"""Memory that is freed and taken again costs no page fault, wherever training's thread was started."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest

from derin.core.memory import keep_freed_memory, start_on_main_heap

PROBE = """
    import resource
    import torch
    from derin.train.thread import in_training_thread

    def faults():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def pages_fetched_anew(interrupted):
        shares = []
        for megabytes in (1, 24, 160):
            numbers = megabytes << 18
            torch.empty(numbers).fill_(1)
            before = faults()
            for _ in range(20):
                torch.empty(numbers).fill_(1)
            shares.append((faults() - before) / 20 / (megabytes << 8))
        return shares

    torch.ones(1000, 1000) @ torch.ones(1000, 1000)  # its workers end before training starts, and leave their heaps
    print(*in_training_thread(pages_fetched_anew), *in_training_thread(pages_fetched_anew))
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library is not glibc")
def test_freed_memory_is_kept_in_the_training_thread():
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROBE)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(found) == 6
    # Given back, every page is fetched at every turn: a share of 1. The main heap may grow a little in the first.
    assert max(float(share) for share in found[1:3] + found[4:]) < 0.2, found


def test_the_thread_does_the_work_and_leaves_no_other_behind():
    before = threading.active_count()
    seen = []
    thread = start_on_main_heap(lambda: seen.append(threading.current_thread().name), name="worker")
    thread.join(10)
    assert seen == ["worker"]
    for other in threading.enumerate():
        if other.name == "worker":
            other.join(10)
    assert threading.active_count() == before
