from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import struct
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import RefusedFileError, StorageError, UsageError
from derin.core.files import open_plain
from derin.core.tensors import load_tensors, read_tensors, save_tensors

TYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.complex64,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.bool,
]


def every_type() -> dict[str, torch.Tensor]:
    """Odd shapes, a scalar, an empty one, and one of each type, with names out of order."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for place, kind in enumerate(TYPES):
        values = torch.randint(0, 2, (2, 5, 3), generator=generator)
        found[f"{'zyxw'[place % 4]}/{place}"] = values.to(kind)
    found["scalar"] = torch.tensor(2.5)
    found["empty"] = torch.empty(3, 0, 2)
    found["ağ.weight"] = torch.randn(3, 4, 5, 5, generator=generator)
    return found


def test_the_file_is_that_of_the_reference_library_to_the_byte(tmp_path: Path) -> None:
    tensors = every_type()
    digest = save_tensors(tmp_path / "a", tensors)
    safetensors.torch.save_file(tensors, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert digest == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()


def test_what_the_reference_library_wrote_is_read_bit_for_bit(tmp_path: Path) -> None:
    tensors = every_type()
    safetensors.torch.save_file(tensors, tmp_path / "a", metadata={"format": "pt"})
    found = load_tensors(tmp_path / "a")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert found[name].contiguous().view(-1).view(torch.uint8).equal(tensor.view(-1).view(torch.uint8)), name


def test_equal_tensors_are_equal_files_whatever_their_layout_order_and_gradient(tmp_path: Path) -> None:
    weight = torch.randn(4, 3, 5, 7)
    save_tensors(tmp_path / "a", {"w": weight, "b": torch.arange(3)})
    spread = torch.randn(4, 3, 5, 14)[..., ::2].copy_(weight).requires_grad_()
    save_tensors(tmp_path / "b", {"b": torch.arange(3), "w": spread.to(memory_format=torch.channels_last)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_special_floats_keep_their_bits(tmp_path: Path) -> None:
    special = torch.tensor([0x7FC00001, 0x7F800000, -0x80000000, 1], dtype=torch.int32).view(torch.float32)
    save_tensors(tmp_path / "a", {"w": special})
    assert load_tensors(tmp_path / "a")["w"].view(torch.int32).equal(special.view(torch.int32))


def test_loaded_tensors_own_aligned_memory(tmp_path: Path) -> None:
    save_tensors(tmp_path / "a", {"a": torch.ones(3, dtype=torch.bool), "b": torch.ones(5), "c": torch.ones(7)})
    found = load_tensors(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"")
    assert len({tensor.untyped_storage().data_ptr() for tensor in found.values()}) == 3
    for tensor in found.values():
        assert tensor.data_ptr() % 64 == 0
        tensor.add_(tensor)
        assert tensor.storage_offset() == 0


def test_other_tensors_than_expected_are_refused_by_name(tmp_path: Path) -> None:
    save_tensors(tmp_path / "a", {"w": torch.ones(2, 3)})
    assert load_tensors(tmp_path / "a", expected={"w": (torch.float32, (2, 3))})["w"].sum() == 6
    for expected in (
        {"w": (torch.float32, (3, 2))},
        {"w": (torch.float64, (2, 3))},
        {"w": (torch.float32, (2, 3)), "v": (torch.float32, (1,))},
        {},
    ):
        with pytest.raises(RefusedFileError, match=r"'[wv]' must be .*; got .*\.$"):
            load_tensors(tmp_path / "a", expected=expected)


@pytest.mark.parametrize(
    "tensors",
    [
        {"line\nbreak": torch.ones(1)},
        {"": torch.ones(1)},
        {"s": torch.eye(3).to_sparse()},
        {"c": torch.ones(1).cdouble()},
    ],
    ids=["name with a line break", "empty name", "sparse", "type that the format lacks"],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with pytest.raises(UsageError):
        save_tensors(tmp_path / "a", tensors)
    assert list(tmp_path.iterdir()) == []


def tensor_file(header: Any, data: bytes = b"\0" * 24) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: Any = "F32", shape: Any = (2, 3), offsets: Any = (0, 24), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


HOSTILE = {
    "empty": b"",
    "seven bytes": b"1234567",
    "a header longer than the file": struct.pack("<Q", 1000) + b"{}",
    "a header of 2^63 bytes": struct.pack("<Q", 1 << 63) + b"{}",
    "a header of 65 MiB": struct.pack("<Q", 65 << 20) + b"{" + b" " * (65 << 20) + b"}",
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.",
    "a zip": b"PK\x03\x04" + b"\0" * 60,
    "a list": tensor_file([entry()]),
    "not JSON": tensor_file(b"{w: 1}"),
    "a name twice": tensor_file(b'{"w":1,"w":1}'),
    "deep nesting": tensor_file(b'{"w":' * 10_000 + b"1" + b"}" * 10_000),
    "unknown type": tensor_file({"w": entry("F128")}),
    "type that is no text": tensor_file({"w": entry(["F32"])}),
    "negative size": tensor_file({"w": entry(shape=[-2, -3])}),
    "size that is a float": tensor_file({"w": entry(shape=[2.0, 3])}),
    "size that is true": tensor_file({"w": entry(shape=[True, 6])}),
    "shape that is a number": tensor_file({"w": entry(shape=6)}),
    "shape that lies": tensor_file({"w": entry(shape=[2, 4])}),
    "shape of petabytes": tensor_file({"w": entry(shape=[1 << 50, 1 << 50])}),
    "shape that overflows to the right number": tensor_file({"w": entry(shape=[1 << 32, 1 << 32, 6])}),
    "empty shape with huge sizes": tensor_file({"w": entry(shape=[0, 1 << 62, 1 << 62], offsets=[0, 0])}, b""),
    "too many axes": tensor_file({"w": entry(shape=[1] * 1000 + [6])}),
    "size of 4000 digits": tensor_file(b'{"w":{"dtype":"F32","shape":[' + b"9" * 4000 + b'],"data_offsets":[0,24]}}'),
    "offsets beyond the file": tensor_file({"w": entry(shape=[20], offsets=[0, 80])}),
    "offsets that run backwards": tensor_file({"w": entry(offsets=[24, 0])}),
    "offsets below zero": tensor_file({"w": entry(offsets=[-24, 0])}),
    "one offset": tensor_file({"w": entry(offsets=[0])}),
    "overlap": tensor_file({"v": entry(shape=[3], offsets=[0, 12]), "w": entry(shape=[4], offsets=[8, 24])}),
    "twice the same bytes": tensor_file({"v": entry(), "w": entry()}),
    "hole": tensor_file({"v": entry(shape=[2], offsets=[0, 8]), "w": entry(shape=[2], offsets=[16, 24])}),
    "hole at the start": tensor_file({"w": entry(shape=[4], offsets=[8, 24])}),
    "bytes left over": tensor_file({"w": entry()}, b"\0" * 25),
    "bytes missing": tensor_file({"w": entry()}, b"\0" * 23),
    "control characters in a name": tensor_file({"w\x1b[2J": entry()}),
    "name of 2000 characters": tensor_file({"w" * 2000: entry()}),
    "dictionary with a name for no tensor": tensor_file({"w": entry(), "v": {}}),
    "metadata that is no text": tensor_file({"__metadata__": {"a": {"b": 1}}, "w": entry()}),
    "truth values that are neither": tensor_file({"w": entry("BOOL", [24])}, b"\2" * 24),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tensor_file_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(RefusedFileError, match=r"a\.safetensors is refused: ") as caught:
        load_tensors(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 250


def test_a_valid_file_of_the_same_making_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tensor_file({"w": entry()}))
    assert load_tensors(tmp_path / "a")["w"].shape == (2, 3)


def test_what_the_format_does_not_know_is_left_unread(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tensor_file({"w": entry(code="import os")}))
    assert load_tensors(tmp_path / "a")["w"].shape == (2, 3)


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_a_file_that_takes_the_name_of_an_open_one_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save_tensors(path, {"w": torch.ones(3)})
    with open_plain(path) as file:
        file.read()
        save_tensors(path, {"w": torch.zeros(5)})
        assert read_tensors(file, "It")["w"].tolist() == [1, 1, 1]


@pytest.mark.skipif(os.name == "nt", reason="files have no such mode there")
def test_a_file_has_the_mode_that_other_files_have_here(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    save_tensors(tmp_path / "a", {"w": torch.ones(3)})
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_a_disk_that_ends_is_an_error_of_the_disk_and_leaves_the_old_file_alone(tmp_path: Path) -> None:
    import resource

    save_tensors(tmp_path / "a", {"w": torch.ones(3)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageError, match=r"a cannot be written \(File too large\)") as caught:
            save_tensors(tmp_path / "a", {"w": torch.ones(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert load_tensors(tmp_path / "a")["w"].shape == (3,)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_file_with_wrong_bytes_is_refused_or_holds_tensors_that_fill_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.safetensors"
    tensors = {"w": torch.arange(6.0).view(2, 3), "n": torch.tensor([1, 2]), "b": torch.tensor([True])}
    content = bytearray(safetensors.torch.save(tensors))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(content)
    try:
        found = load_tensors(path)
    except RefusedFileError:
        return
    num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in found.values())
    assert num_bytes == len(content) - 8 - int.from_bytes(content[:8], "little")
