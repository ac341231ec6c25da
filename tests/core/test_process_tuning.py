"""Memory that is freed and taken again costs no page fault once the process is tuned, and nobody tunes it unasked."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PROBE = """
    import resource
    import derin
    import torch

    def faults():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def pages_fetched_anew(megabytes):
        numbers = megabytes << 18
        turns = 20 if megabytes < 100 else 5
        torch.empty(numbers).fill_(1)
        before = faults()
        for _ in range(turns):
            torch.empty(numbers).fill_(1)
        return (faults() - before) / turns / (megabytes << 8)

    import tempfile
    derin.fit("iris", epochs=1, out=tempfile.mkdtemp() + "/run", report=False)
    print(pages_fetched_anew(160))
    print(derin.tune_process())
    for megabytes in (1, 24, 160):
        print(pages_fetched_anew(megabytes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_freed_memory_is_kept_from_the_call_on_and_not_by_a_training() -> None:
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROBE)], capture_output=True, text=True, check=True
    ).stdout.split()
    if told[1] == "False":
        pytest.skip("the C library is not glibc")
    # Given back, every page is fetched at every turn: a share of 1, less where the system gives large pages.
    before, *after = (float(share) for share in (told[0], *told[2:]))
    assert before > 1 / 600
    # The heap may grow a little meanwhile.
    assert max(after) < before / 5, told
