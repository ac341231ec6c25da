"""Writers are killed by SIGKILL at every point of every write; readers then see the old content or the new.

One process per test module imports what is needed and forks a child for every (scenario, point, passing). It does not
judge: it reports how each child ended, and the tests read what is left with a process that was never near the writing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from derin.core.bundle import load_bundle
from derin.core.files import FAULT_POINTS, read_json, recover_folder
from derin.core.run import RunFolder

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to start hundreds of processes")

DRIVER = """
import json, os, shutil, sys
from pathlib import Path
import torch
from derin.core import faults, folders
from derin.core.bundle import save_bundle
from derin.core.files import FAULT_POINTS, replace_folder, temporary_folder, write_bytes
from derin.core.run import RunFolder

torch.set_num_threads(1)
BIG = (1 << 20) + 17

def write_file(folder, value):
    write_bytes(folder / "file", bytes([value]) * BIG)

def swap_folder(folder, value):
    with temporary_folder(folder) as new:
        write_bytes(new / "a", bytes([value]) * 5)
        write_bytes(new / "b", bytes([value]) * 7)
        replace_folder(new, folder / "final")

def bundle(folder, value):
    tensors = {"w": torch.full((3, 5), float(value)), "b": torch.full((7,), value)}
    save_bundle(folder / "model", tensors=tensors, card={"value": value}, files={"vocabulary.txt": bytes([value])})

def state(folder, value):
    RunFolder(folder).save_state({"w": torch.full((3, 5), float(value)), "n": torch.tensor(value)}, {"value": value})

def log(folder, value):
    run = RunFolder(folder)
    run.log({"epoch": value})
    if value == 2:
        run.drop_log_after(1)

def by_two_renames(write):
    def scenario(folder, value):
        folders._exchange = lambda one, other: False
        write(folder, value)
    return scenario

SCENARIOS = {
    "write_file": write_file,
    "swap_folder": swap_folder,
    "swap_folder_by_two_renames": by_two_renames(swap_folder),
    "bundle": bundle,
    "bundle_by_two_renames": by_two_renames(bundle),
    "state": state,
    "log": log,
}

def ended(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

root, results = Path(sys.argv[1]), []
for name, scenario in SCENARIOS.items():
    before = root / name
    before.mkdir()
    assert ended(lambda: scenario(before, 1)) == 0
    passed = root / f"{name}.points"
    counted = Path(shutil.copytree(before, root / f"{name}.counted"))

    def count():
        with passed.open("w") as file, faults.faults(lambda point: print(point, file=file)):
            scenario(counted, 2)

    assert ended(count) == 0
    points = passed.read_text().split()
    for place, point in enumerate(points):
        folder = Path(shutil.copytree(before, root / f"{name}@{place}"))
        fault = faults.parse_fault(f"{point}:{points[: place + 1].count(point)}")

        def write():
            with faults.faults(fault):
                scenario(folder, 2)

        results.append([name, point, str(folder), ended(write)])
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def killed() -> Iterator[list[tuple[str, str, Path]]]:
    """Scenario, point and folder of every write that was killed."""
    # In memory where there is such a disk: hundreds of writes are synced here.
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as root:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run([sys.executable, "-c", DRIVER, root], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)
        assert {code for *_, code in results} == {-signal.SIGKILL}, done.stderr
        yield [(name, point, Path(folder)) for name, point, folder, _ in results]


def of(killed: list[tuple[str, str, Path]], scenario: str) -> list[tuple[str, Path]]:
    found = [(point, folder) for name, point, folder in killed if name.startswith(scenario)]
    assert found
    return found


def test_every_point_killed_a_process(killed: list[tuple[str, str, Path]]) -> None:
    assert {point for _, point, _ in killed} == set(FAULT_POINTS)


def test_a_killed_write_leaves_the_old_or_the_new_file(killed: list[tuple[str, str, Path]]) -> None:
    num_bytes = (1 << 20) + 17
    seen = {point: (folder / "file").read_bytes() for point, folder in of(killed, "write_file")}
    assert all(data in (b"\1" * num_bytes, b"\2" * num_bytes) for data in seen.values())
    assert seen["write.synced"][0] == 1
    assert seen["write.renamed"][0] == 2


def test_a_killed_exchange_leaves_the_old_or_the_new_folder(killed: list[tuple[str, str, Path]]) -> None:
    seen = {}
    for point, folder in of(killed, "swap_folder"):
        recover_folder(folder / "final")
        content = {path.name: path.read_bytes() for path in (folder / "final").iterdir()}
        assert content in ({"a": b"\1" * 5, "b": b"\1" * 7}, {"a": b"\2" * 5, "b": b"\2" * 7}), point
        seen[point] = content["a"][0]
    assert seen["replace.started"] == seen["replace.aside"] == 1
    assert seen["replace.swapped"] == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="exchange-rename is Linux's")
def test_with_exchange_a_folder_is_whole_without_recovery(killed: list[tuple[str, str, Path]]) -> None:
    folders = [folder for name, _, folder in killed if name in ("swap_folder", "bundle")]
    assert all((f / "final" / "b").exists() or (f / "model" / "card.json").exists() for f in folders)


def test_a_killed_save_leaves_the_old_or_the_new_bundle(killed: list[tuple[str, str, Path]]) -> None:
    seen = {}
    for point, folder in of(killed, "bundle"):
        bundle = load_bundle(folder / "model")
        value = bundle.card["value"]
        assert value in (1, 2)
        assert bundle.tensors()["w"].tolist() == [[float(value)] * 5] * 3
        assert bundle.tensors()["b"].tolist() == [value] * 7
        assert bundle.files()["vocabulary.txt"] == bytes([value])
        seen[point] = value
    assert seen["bundle.card"] == 1
    assert seen["bundle.done"] == 2


def test_a_killed_save_leaves_the_old_or_the_new_state(killed: list[tuple[str, str, Path]]) -> None:
    seen = {}
    for point, folder in of(killed, "state"):
        saved = RunFolder(folder).load_state()
        assert saved is not None, point
        tensors, document = saved
        value = document["value"]
        assert value in (1, 2)
        assert tensors["w"].tolist() == [[float(value)] * 5] * 3
        assert tensors["n"].item() == value
        seen[point] = value
    assert seen["state.tensors"] == 1
    assert seen["state.done"] == 2


def test_a_killed_log_keeps_its_whole_lines(killed: list[tuple[str, str, Path]]) -> None:
    for point, folder in of(killed, "log"):
        epochs = [line["epoch"] for line in RunFolder(folder).log_lines()]
        assert epochs in ([1], [1, 2]), point


def test_who_takes_the_lock_next_removes_what_killed_writers_left(killed: list[tuple[str, str, Path]]) -> None:
    folders = {folder for _, folder in of(killed, "bundle") + of(killed, "state") + of(killed, "log")}
    assert any(list(folder.glob("**/.derin-*")) for folder in folders)
    for folder in folders:
        with RunFolder(folder).lock():
            pass
        assert not list(folder.glob("**/.derin-*"))
        assert not (folder / ".model.old").exists() or (folder / "model").exists()


def test_the_environment_names_the_point_at_which_a_process_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from derin.core.files import write_json;"
        "[write_json(Path(sys.argv[1]), n) for n in range(5)]"
    )
    environment = {**os.environ, "DERIN_FAULT": "write.renamed:3"}
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "n.json")], env=environment)
    assert done.returncode == -signal.SIGKILL
    assert read_json(tmp_path / "n.json") == 2
