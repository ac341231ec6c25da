"""Hostile files in every place where a bundle or a run is read: each is refused with a sentence, and nothing runs.

The planted pickles write a file when they are loaded; it must never appear.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.bundle import load_bundle, save_bundle
from derin.core.errors import RefusedFileError, UsageError
from derin.core.run import RunFolder
from derin.core.weights import load_state, state_tensors

CARD, WEIGHTS = "card.json", "model.safetensors"
TENSORS = {"weight": torch.arange(6.0).view(2, 3), "steps": torch.tensor(7)}
_LARGEST_PEAK = 150 << 20  # the largest planted file has 65 MiB, which may be held as bytes and as text


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.write_text, (self.trace, "the pickle ran")


def pickled(trace: Path) -> bytes:
    return pickle.dumps({"weight": Bomb(trace)})


def zipped_pickle(trace: Path) -> bytes:
    """The form that torch.save writes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(trace))
        archive.writestr("archive/version", "3\n")
    return data.getvalue()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle"
    save_bundle(path, tensors=TENSORS, card={"model": {"name": "linear"}}, files={"vocabulary.txt": b"one two"})
    return path


def change_card(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def plant(bundle: Path) -> None:
        card = json.loads((bundle / CARD).read_text())
        change(card)
        (bundle / CARD).write_text(json.dumps(card))

    return plant


def put(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda bundle: (bundle / name).write_bytes(content) and None


def put_vouched(name: str, content: bytes) -> Callable[[Path], None]:
    """A hostile file that the card vouches for, as an attacker would who can compute a hash."""

    def plant(bundle: Path) -> None:
        (bundle / name).write_bytes(content)
        said = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        change_card(lambda card: card["files"].update({name: said}))(bundle)

    return plant


def lists(name: str) -> Callable[[Path], None]:
    """A card that lists a file outside of the bundle, with its true size and hash."""

    def plant(bundle: Path) -> None:
        secret = bundle.parent / "secret"
        secret.write_bytes(b"secret")
        said = {"size": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
        change_card(lambda card: card["files"].update({name.format(secret=secret): said}))(bundle)

    return plant


def link(name: str) -> Callable[[Path], None]:
    def plant(bundle: Path) -> None:
        outside = bundle.parent / "outside"
        (bundle / name).rename(outside)
        (bundle / name).symlink_to(outside)

    return plant


def pipe(name: str) -> Callable[[Path], None]:
    def plant(bundle: Path) -> None:
        (bundle / name).unlink()
        os.mkfifo(bundle / name)

    return plant


def folder(name: str) -> Callable[[Path], None]:
    def plant(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).mkdir()

    return plant


def cut(name: str) -> Callable[[Path], None]:
    return lambda bundle: (bundle / name).write_bytes((bundle / name).read_bytes()[:-1]) and None


HEADER_OF_65_MIB = (65 << 20).to_bytes(8, "little") + b"{" + b" " * (65 << 20) + b"}"
HUGE = b'{"w":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,24]}}'
OVERLAP = (
    b'{"v":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"w":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}'
)
LIE = b'{"w":{"dtype":"F32","shape":[7],"data_offsets":[0,24]}}'


def header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text + b"\0" * 24


HOSTILE: dict[str, Callable[[Path], None]] = {
    "card: missing comma": put(CARD, b'{"format": 1 "files": {}}'),
    "card: empty": put(CARD, b""),
    "card: a list": put(CARD, b"[]"),
    "card: NaN": change_card(lambda card: card.update(metrics={"test": {"loss": float("nan")}})),
    "card: a name twice": put(CARD, b'{"format": 1, "format": 1}'),
    "card: deep nesting": put(CARD, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "card: giant integer": put(CARD, b'{"format": ' + b"1" * 4000 + b"}"),
    "card: 17 MiB": put(CARD, b'{"format": 1' + b" " * (17 << 20) + b"}"),
    "card: a link": link(CARD),
    "card: a pipe": pipe(CARD),
    "card: a folder": folder(CARD),
    "format: 999": change_card(lambda card: card.update(format=999)),
    "format: 0": change_card(lambda card: card.update(format=0)),
    "format: true": change_card(lambda card: card.update(format=True)),
    "format: text": change_card(lambda card: card.update(format="1")),
    "format: none": change_card(lambda card: card.pop("format")),
    "files: none": change_card(lambda card: card.pop("files")),
    "files: a list": change_card(lambda card: card.update(files=[WEIGHTS])),
    "files: without the weights": change_card(lambda card: card["files"].pop(WEIGHTS)),
    "files: without sizes": change_card(lambda card: card["files"].update({WEIGHTS: "abc"})),
    "files: size that is true": change_card(lambda card: card["files"][WEIGHTS].update(size=True)),
    "files: size below zero": change_card(lambda card: card["files"][WEIGHTS].update(size=-1)),
    "files: hash that is null": change_card(lambda card: card["files"][WEIGHTS].update(sha256=None)),
    "files: the card itself": lists(CARD),
    "path: up": lists("../secret"),
    "path: up, in Windows' way": lists("..\\secret"),
    "path: absolute": lists("{secret}"),
    "path: drive": lists("C:secret"),
    "path: with NUL": lists("secret\0.txt"),
    "path: with a line break": lists("secret\n"),
    "path: this folder": lists("."),
    "path: hidden": lists(".secret"),
    "path: through a folder": lists("a/../../secret"),
    "path: 300 characters": lists("a" * 300),
    "ties: to what is not there": change_card(lambda card: card.update(ties={"a": "b"})),
    "ties: over a stored tensor": change_card(lambda card: card.update(ties={"weight": "steps"})),
    "ties: a list": change_card(lambda card: card.update(ties=["weight"])),
    "ties: to a number": change_card(lambda card: card.update(ties={"a": 1})),
    "ties: none": change_card(lambda card: card.pop("ties")),
    "layout: unknown": change_card(lambda card: card.update(layout={"weight": "sideways"})),
    "layout: of what is not there": change_card(lambda card: card.update(layout={"a": "channels_last"})),
    "weights: gone": lambda bundle: (bundle / WEIGHTS).unlink(),
    "weights: cut": cut(WEIGHTS),
    "weights: another hash": change_card(lambda card: card["files"][WEIGHTS].update(sha256="0" * 64)),
    "weights: a link": link(WEIGHTS),
    "weights: a pipe": pipe(WEIGHTS),
    "weights: a folder": folder(WEIGHTS),
    "weights: header of 65 MiB": put_vouched(WEIGHTS, HEADER_OF_65_MIB),
    "weights: header beyond the file": put_vouched(WEIGHTS, b"\xff" * 8 + b"{}"),
    "weights: shape of zettabytes": put_vouched(WEIGHTS, header(HUGE)),
    "weights: overlap": put_vouched(WEIGHTS, header(OVERLAP)),
    "weights: shape that lies": put_vouched(WEIGHTS, header(LIE)),
    "vocabulary: gone": lambda bundle: (bundle / "vocabulary.txt").unlink(),
    "vocabulary: changed": put("vocabulary.txt", b"one too"),
    "vocabulary: a link": link("vocabulary.txt"),
    "stranger: a file": put("code.py", b"import os"),
    "stranger: a folder": lambda bundle: (bundle / "more").mkdir(),
    "stranger: a link": lambda bundle: (bundle / "more").symlink_to("/etc"),
}


def refused_within_memory(read: Callable[[], object]) -> str:
    """The refusal's sentence, after checking that it is one and that refusing took little memory."""
    resident = peak_resident()
    tracemalloc.start()
    try:
        with pytest.raises(RefusedFileError) as caught:
            read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < _LARGEST_PEAK
    assert peak_resident() - resident < _LARGEST_PEAK
    message = str(caught.value)
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 500
    return message


def peak_resident() -> int:
    """The most memory that this process has had so far, where the system tells."""
    if not sys.platform.startswith("linux"):
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.skipif(os.name == "nt", reason="plants links and pipes")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_in_one_sentence(bundle: Path, name: str) -> None:
    HOSTILE[name](bundle)
    refused_within_memory(lambda: load_bundle(bundle))


@pytest.mark.parametrize("form", [pickled, zipped_pickle])
@pytest.mark.parametrize("place", [CARD, WEIGHTS, "vocabulary.txt", "README.md"])
def test_a_pickle_in_a_bundle_is_refused_or_handed_over_as_bytes_and_never_run(
    bundle: Path, tmp_path: Path, place: str, form: Callable[[Path], bytes]
) -> None:
    content = form(tmp_path / "trace")
    put(place, content)(bundle)
    refused_within_memory(lambda: load_bundle(bundle))
    if place in (CARD, WEIGHTS):
        if place == WEIGHTS:
            put_vouched(place, content)(bundle)
            refused_within_memory(lambda: load_bundle(bundle))
    else:
        put_vouched(place, content)(bundle)
        assert load_bundle(bundle).files()[place] == content
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("form", [pickled, zipped_pickle])
@pytest.mark.parametrize("place", ["run.json", "log.jsonl", "state/state-0.json", "state/state-0.safetensors"])
def test_a_pickle_in_a_run_is_refused_and_never_run(tmp_path: Path, place: str, form: Callable[[Path], bytes]) -> None:
    run = RunFolder.create(tmp_path / "run", name="run")
    run.write_record({})
    run.log({"step": 1})
    run.save_state(TENSORS, {"step": 1})
    content = form(tmp_path / "trace") + b"\n"
    (run.path / place).write_bytes(content)
    if place.endswith(".safetensors"):
        description = run.state_path / "state-0.json"
        said = json.loads(description.read_text())
        said |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        description.write_text(json.dumps(said))
    read = {"run.json": run.record, "log.jsonl": run.log_lines}.get(place, run.load_state)
    refused_within_memory(read)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "document",
    [
        {"format": 1, "generation": "1", "size": 1, "sha256": "", "document": {}},
        {"format": 1, "generation": 1, "size": 1e9, "sha256": "", "document": {}},
        {"format": 1, "generation": 1, "size": 1, "sha256": None, "document": {}},
        {"format": 1, "generation": 1, "size": 1, "sha256": "", "document": []},
        {"format": 999, "generation": 1, "size": 1, "sha256": "", "document": {}},
        {"generation": 1, "size": 1, "sha256": "", "document": {}},
        [],
    ],
)
def test_a_hostile_description_of_a_state_is_refused(tmp_path: Path, document: Any) -> None:
    run = RunFolder.create(tmp_path / "run", name="run")
    run.save_state(TENSORS, {})
    (run.state_path / "state-0.json").write_text(json.dumps(document))
    refused_within_memory(run.load_state)


@pytest.mark.skipif(os.name == "nt", reason="plants links and pipes")
@pytest.mark.parametrize("plant", [link, pipe, folder])
def test_the_weights_of_a_state_must_be_a_plain_file(
    tmp_path: Path, plant: Callable[[str], Callable[[Path], None]]
) -> None:
    run = RunFolder.create(tmp_path / "run", name="run")
    run.save_state(TENSORS, {})
    plant("state-0.safetensors")(run.state_path)
    refused_within_memory(run.load_state)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_bundle_with_wrong_bytes_loads_equal_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    if not path.exists():
        save_bundle(path, tensors=TENSORS, card={"model": {"name": "linear"}}, files={"vocabulary.txt": b"one two"})
    name = data.draw(st.sampled_from([CARD, CARD, WEIGHTS, "vocabulary.txt"]))
    whole = (path / name).read_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (path / name).write_bytes(content)
    try:
        with contextlib.suppress(RefusedFileError):
            found = load_bundle(path)
            # The card has no hash of its own: where it can still be read, it vouches for these very bytes.
            assert {key: value.tolist() for key, value in found.tensors().items()} == {
                key: value.tolist() for key, value in TENSORS.items()
            }
            assert found.files()["vocabulary.txt"] == b"one two"
    finally:
        (path / name).write_bytes(whole)


def test_a_name_that_no_system_has_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_bundle(tmp_path / "nowhere\0")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    with torch.no_grad():
        model.weight[1, 2] = value
    tensors, ties, layout = state_tensors(model)
    save_bundle(tmp_path / "model", tensors=tensors, card={}, ties=ties, layout=layout)
    with pytest.raises(RefusedFileError, match="weights weight hold a NaN or an infinity"):
        load_state(torch.nn.Linear(3, 2), load_bundle(tmp_path / "model"))


def test_weights_whose_sum_overflows_are_numbers(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        model.weight.fill_(3e38)
    tensors, ties, layout = state_tensors(model)
    save_bundle(tmp_path / "model", tensors=tensors, card={}, ties=ties, layout=layout)
    load_state(torch.nn.Linear(3, 2, bias=False), load_bundle(tmp_path / "model"))
