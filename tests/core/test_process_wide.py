"""Nothing that a whole process shares is changed for a moment: what one thread does, others do not notice."""

from __future__ import annotations

import ast
import csv
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import derin
from derin.core.global_generator import generator_of_steps, global_generator
from derin.core.quiet import quiet
from derin.core.threads import using_threads
from derin.data.text.vectors import read_vectors
from derin.readers.delimited import read_records

SOURCE = Path(derin.__file__).parent
# What changes a setting of the whole process, and the files that may: they say why it is right there.
SWITCHES = {
    "catch_warnings": (),
    "simplefilter": (),
    "filterwarnings": (),
    "field_size_limit": ("readers/csv_parser.py",),
    "set_num_threads": ("core/threads.py",),
    "set_flush_denormal": ("core/denormals.py",),
    "mallopt": ("core/process_tuning.py",),
    "tune_process": ("core/process_tuning.py", "cli/main.py"),
    "fork_rng": ("core/global_generator.py",),
    "set_rng_state": ("core/global_generator.py",),
    "set_fastpath_enabled": (),
    "enable_onednn_fusion": ("models/inference.py",),
    "set_default_dtype": (),
    "set_default_device": (),
    "set_float32_matmul_precision": (),
    "use_deterministic_algorithms": (),
    "setlocale": (),
    "chdir": (),
    "umask": (),
    "setLevel": (),
    "setrecursionlimit": (),
    "seterr": (),
    "rcParams": (),
}


def test_no_other_file_touches_a_setting_of_the_whole_process() -> None:
    places: dict[str, set[str]] = {name: set() for name in SWITCHES}
    handlers = set()
    for path in SOURCE.rglob("*.py"):
        text, place = path.read_text(encoding="utf-8"), path.relative_to(SOURCE).as_posix()
        if not any(name in text for name in (*SWITCHES, "signal.signal")):
            continue
        for node in ast.walk(ast.parse(text)):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            if name in places:
                places[name].add(place)
            if name == "signal" and isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "signal":
                handlers.add(place)
    for name, allowed in SWITCHES.items():
        assert places[name] <= set(allowed), name
    # A training puts the handler of before back; a host's own one is left in place.
    assert handlers == {"cli/stopping.py", "train/interruption.py"}


def beside(*calls: Callable[[], object], seconds: float) -> list[BaseException]:
    """Calls each again and again in a thread of its own; what any of them raised."""
    raised: list[BaseException] = []
    end = time.monotonic() + seconds

    def loop(call: Callable[[], object]) -> None:
        try:
            while time.monotonic() < end and not raised:
                call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is asked for
            raised.append(error)

    threads = [threading.Thread(target=loop, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_long_cells_are_read_beside_short_ones_and_csv_keeps_its_limit(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("a,y\n" + "".join(f'"{"x" * 140_000} {i}",k{i % 2}\n' for i in range(6)))
    (tmp_path / "short.csv").write_text("a,y\n" + "".join(f"{i},k{i % 2}\n" for i in range(40)))
    limit = csv.field_size_limit()

    def read(name: str) -> None:
        assert csv.field_size_limit() == limit
        read_records(tmp_path / name)

    assert beside(*[lambda: read("long.csv")] * 2, lambda: read("short.csv"), seconds=0.5) == []
    assert len(read_records(tmp_path / "long.csv").columns[0][5]) == 140_002


def test_warnings_of_other_threads_are_theirs_while_vectors_are_read(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("".join(f"w{i} {i} 1e300\n" if i % 2 else f"w{i} 1 2\n" for i in range(300)))
    heard: list[str] = []

    class Foreign(UserWarning):
        pass

    with warnings.catch_warnings():
        warnings.simplefilter("always", Foreign)
        warnings.showwarning = lambda message, *rest, **more: heard.append(str(message))  # type: ignore[assignment]
        raised = beside(
            lambda: read_vectors(tmp_path / "v.txt"),
            lambda: warnings.warn("hear me", Foreign, stacklevel=1),
            seconds=0.3,
        )
    assert raised == []
    assert set(heard) == {"hear me"}


def test_quiet_holds_in_its_own_thread_alone() -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with quiet():
            warnings.warn("to nobody", stacklevel=1)  # would be an error here
            entered.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    try:
        with pytest.warns(UserWarning, match="heard"):
            warnings.warn("heard", stacklevel=1)
    finally:
        leave.set()
        thread.join()
    with pytest.raises(UserWarning, match="an error as before"):
        warnings.warn("an error as before", stacklevel=1)


def test_number_of_threads_is_set_for_the_calling_thread_alone() -> None:
    torch.set_num_threads(3)
    numbers: dict[str, int] = {}

    def note(name: str) -> None:
        numbers[name] = torch.get_num_threads()

    def first() -> None:
        with using_threads(2):
            note("own")
            later = threading.Thread(target=note, args=("later",))
            later.start()
            later.join()
        note("afterwards")

    try:
        thread = threading.Thread(target=first)
        thread.start()
        thread.join()
        note("caller")
        assert numbers == {"own": 2, "later": 3, "afterwards": 3, "caller": 3}
    finally:
        torch.set_num_threads(1)


def test_steps_in_two_threads_draw_what_each_draws_alone_and_the_generator_stands_where_it_stood() -> None:
    before = torch.get_rng_state()

    def draws(seed: int, pause: float) -> list[float]:
        found = []
        with generator_of_steps(torch.device("cpu")) as drawing:
            for step in range(8):
                with drawing:
                    torch.default_generator.manual_seed(100 * seed + step)
                    time.sleep(pause)
                    found += torch.rand(2).tolist()
                with global_generator():
                    torch.rand(1)
        return found

    alone = [draws(1, 0.0), draws(2, 0.0)]
    together: dict[int, list[float]] = {}
    threads = [threading.Thread(target=lambda s=s: together.__setitem__(s, draws(s, 0.003))) for s in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[1], together[2]] == alone
    assert torch.equal(torch.get_rng_state(), before)


def test_two_trainings_in_one_process_end_with_the_bits_that_each_has_alone(tmp_path: Path) -> None:
    def weights(name: str, seed: int) -> bytes:
        options = {"dropout": 0.3, "hidden": [8]}
        run = derin.fit(
            "iris", model="mlp", model_options=options, epochs=4, out=tmp_path / name, threads=1 + seed % 2,
            plan="plain", report=False, seed=seed,
        )  # fmt: skip
        return (run.path / "model" / "model.safetensors").read_bytes()

    alone = {seed: weights(f"alone-{seed}", seed) for seed in (1, 2)}
    together: dict[int, bytes] = {}
    threads = [
        threading.Thread(target=lambda s=s: together.__setitem__(s, weights(f"together-{s}", s))) for s in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert not np.array_equal(alone[1], alone[2])
