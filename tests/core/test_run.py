from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest
import torch

from derin.core.errors import BusyError, RefusedFileError, StorageError, UsageError
from derin.core.faults import faults
from derin.core.run import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path / "run", name="run")
    run.write_record({"finished": False})
    return run


def save(run: RunFolder, step: int) -> None:
    run.save_state(
        {"w": torch.full((3, 2), float(step)), "b": torch.tensor([step])}, {"step": step, "loss": 0.1 + step}
    )


def step_of(run: RunFolder) -> int | None:
    saved = RunFolder(run.path).load_state()
    if saved is None:
        return None
    tensors, document = saved
    assert tensors["w"].tolist() == [[float(document["step"])] * 2] * 3
    assert document["loss"] == 0.1 + document["step"]
    return int(document["step"])


# ---- folders


def test_runs_without_a_path_are_numbered_after_the_highest(tmp_path: Path) -> None:
    names = [RunFolder.create(None, name="digits", root=tmp_path).path.name for _ in range(3)]
    assert names == ["digits-1", "digits-2", "digits-3"]
    (tmp_path / "digits-1").rmdir()
    (tmp_path / "digits-x").mkdir()
    assert RunFolder.create(None, name="digits", root=tmp_path).path.name == "digits-4"


def create(root: Path) -> str:
    return RunFolder.create(None, name="a", root=root).path.name


def test_processes_that_start_together_get_different_runs(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        names = pool.map(create, [tmp_path] * 12, chunksize=1)
    assert sorted(names) == sorted(f"a-{number}" for number in range(1, 13))


@pytest.mark.parametrize("name", ["../../etc", "a b/c\\d:e", "", "...", "ağaç", "x" * 500])
def test_a_runs_folder_lies_directly_in_its_root_whatever_the_data_is_called(tmp_path: Path, name: str) -> None:
    path = RunFolder.create(None, name=name, root=tmp_path).path
    assert path.parent == tmp_path
    assert path.is_dir()


def test_a_run_that_exists_is_refused_with_the_way_to_go_on(run: RunFolder) -> None:
    with pytest.raises(UsageError, match="go on with it by --resume, or choose another --out"):
        RunFolder.create(run.path, name="run")


def test_a_folder_with_other_files_is_refused_and_an_empty_or_locked_one_taken(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"")
    with pytest.raises(UsageError, match="holds files that are no run"):
        RunFolder.create(tmp_path / "photos", name="run")
    run = RunFolder.create(tmp_path / "a" / "b", name="run")
    with run.lock():
        pass
    RunFolder.create(run.path, name="run")


def test_what_is_no_run_is_not_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="There is no run at"):
            RunFolder.open(path)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(StorageError, match="cannot be written"):
            RunFolder.create(path, name="run")


def test_two_processes_cannot_share_a_run(run: RunFolder) -> None:
    with (
        run.lock(),
        pytest.raises(BusyError, match=f"in use by process {os.getpid()}"),
        RunFolder.open(run.path).lock(),
    ):
        pass


def test_who_is_refused_a_run_deletes_nothing_and_an_unused_folder_goes_when_its_holder_leaves(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path / "new", name="run")
    second = RunFolder.create(tmp_path / "new", name="run")
    with first.lock():
        with pytest.raises(BusyError), second.lock():
            pass
        assert first.path.is_dir()
    assert not first.path.exists()
    (tmp_path / "mine").mkdir()
    with RunFolder.create(tmp_path / "mine", name="run").lock():
        pass
    assert (tmp_path / "mine").is_dir(), "a folder that was there before is not Derin's to remove"


def test_a_run_that_another_process_made_meanwhile_is_found_under_the_lock(tmp_path: Path) -> None:
    first, second = (RunFolder.create(tmp_path / "run", name="run") for _ in range(2))
    with first.lock():
        first.check_is_free()
        first.write_record({"finished": True})
    with second.lock(), pytest.raises(UsageError, match=r"There is a run at .* already"):
        second.check_is_free()
    assert first.record()["finished"] is True


def test_a_record_of_a_newer_derin_is_refused_and_one_without_format_too(run: RunFolder) -> None:
    run.write_record({"format": 999})
    with pytest.raises(
        RefusedFileError, match=r"of format 999, written by a newer Derin; .* pip install --upgrade derin"
    ):
        run.record()
    (run.path / "run.json").write_text("[]")
    with pytest.raises(RefusedFileError, match="no format number"):
        run.record()


# ---- log


def test_log_lines_come_back_in_order_with_null_for_what_is_not_finite(run: RunFolder) -> None:
    assert run.log_lines() == []
    run.log({"step": 1, "loss": float("nan")})
    run.log({"step": 2, "name": "ağ\nağ"})
    assert run.log_lines() == [{"step": 1, "loss": None}, {"step": 2, "name": "ağ\nağ"}]
    assert [json.loads(line) for line in run.log_path.read_text("utf-8").splitlines()] == run.log_lines()


@pytest.mark.parametrize("torn", ['{"step": 2', '{"step": 2}', "\0\0\0"])
def test_a_torn_last_line_is_passed_over_and_dropped_before_the_next(run: RunFolder, torn: str) -> None:
    run.log({"step": 1})
    with run.log_path.open("a") as file:
        file.write(torn)
    assert run.log_lines() == [{"step": 1}]
    assert run.log_path.read_text().endswith(torn), "a reader changes nothing"
    run.log({"step": 3})
    assert run.log_lines() == [{"step": 1}, {"step": 3}]


def test_a_torn_only_line_is_dropped(run: RunFolder) -> None:
    run.log_path.write_text('{"ste')
    run.log({"step": 1})
    assert run.log_lines() == [{"step": 1}]


def test_a_damaged_whole_line_is_refused_by_number(run: RunFolder) -> None:
    run.log_path.write_text('{"step": 1}\n{"step": NaN}\n{"step": 3}\n')
    with pytest.raises(RefusedFileError, match="Line 2 of "):
        run.log_lines()
    run.log_path.write_text('{"step": 1}\n[]\n')
    with pytest.raises(RefusedFileError, match=r"Line 2 of .* must be an object"):
        run.log_lines()


def test_lines_of_later_epochs_are_dropped(run: RunFolder) -> None:
    run.drop_log_after(0)
    for epoch in (10, 20, 30):
        run.log({"epoch": epoch})
    run.drop_log_after(20)
    assert [line["epoch"] for line in run.log_lines()] == [10, 20]
    run.log({"epoch": 25})
    assert [line["epoch"] for line in run.log_lines()] == [10, 20, 25]
    run.drop_log_after(0)
    assert run.log_lines() == []


# ---- state


def test_the_newest_state_is_loaded_and_nothing_before_the_first(run: RunFolder) -> None:
    assert run.load_state() is None
    for step in range(1, 6):
        save(run, step)
        assert step_of(run) == step
    assert len(list(run.state_path.iterdir())) == 4


def test_floats_and_whole_numbers_of_the_document_come_back_exactly(run: RunFolder) -> None:
    document = {"a": 0.1 + 0.2, "b": 5e-324, "c": 2**63 - 1, "d": [None, True, "ağ"]}
    run.save_state({}, document)
    saved = run.load_state()
    assert saved is not None
    assert saved[1] == document


@pytest.mark.parametrize("damage", ["bytes", "short", "gone", "description", "description gone", "other tensors"])
def test_a_damaged_newest_state_gives_way_to_the_one_before_which_is_not_overwritten(
    run: RunFolder, damage: str
) -> None:
    save(run, 1)
    save(run, 2)
    (weights,) = run.state_path.glob("state-1.safetensors")
    description = run.state_path / "state-1.json"
    if damage == "bytes":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif damage == "short":
        weights.write_bytes(weights.read_bytes()[:-1])
    elif damage == "gone":
        weights.unlink()
    elif damage == "description":
        description.write_text('{"format": 1, "generation": 9')
    elif damage == "description gone":
        description.unlink()
    else:
        weights.write_bytes((run.state_path / "state-0.safetensors").read_bytes())
    again = RunFolder(run.path)
    saved = again.load_state()
    assert saved is not None
    assert saved[1]["step"] == 1
    good = (run.state_path / "state-0.safetensors").read_bytes()

    def stop(point: str) -> None:
        if point == "state.tensors":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), faults(stop):
        save(again, 3)
    assert (run.state_path / "state-0.safetensors").read_bytes() == good
    assert step_of(run) == 1
    save(again, 4)
    assert step_of(run) == 4


def test_where_no_saved_state_is_whole_the_run_is_refused(run: RunFolder) -> None:
    for step in (1, 2):
        save(run, step)
    for weights in run.state_path.glob("*.safetensors"):
        weights.write_bytes(b"x")
    with pytest.raises(RefusedFileError, match="not the file that was saved; start a new run"):
        run.load_state()


def test_a_state_of_a_newer_derin_is_refused(run: RunFolder) -> None:
    save(run, 1)
    path = run.state_path / "state-0.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(RefusedFileError, match="written by a newer Derin"):
        run.load_state()
