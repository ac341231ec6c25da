"""Killed and starved writers, and readers beside a writer: whole people or none, and no stale answer."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.apps.faces.conftest import DIM

from derin.apps.faces.gallery import Gallery
from derin.core.errors import StorageError

# What the processes share: the embeddings of a person follow from the number.
PEOPLE = f"""
import sys, time, random
from pathlib import Path
import numpy as np
from derin.apps.faces import gallery as gallery_module
from derin.apps.faces.gallery import Gallery

def rows(number, num=3):
    found = np.random.default_rng(number).standard_normal((num, {DIM}))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

def opened(place):
    return Gallery.open(place, model="model-a", dim={DIM})
"""
ENROL = f"""{PEOPLE}
gallery_module._EMBEDDINGS_OF_A_COMMIT = 250
gallery = opened(sys.argv[1])
print("ready", flush=True)
for start in range(0, 10_000, 200):
    gallery.enrol_many(((str(at), rows(at)) for at in range(start, start + 200)), known="skip", compare=False)
    print(start + 200, flush=True)
"""
WRITE = f"""{PEOPLE}
gallery, told = opened(sys.argv[1]), Path(sys.argv[2])
for number in range(60):
    gallery.enrol(str(number), rows(number))
    if number % 10 == 9:
        gallery.remove(str(number - 5))
    told.with_suffix(".part").write_text(str(number))
    told.with_suffix(".part").replace(told)
"""
READ = f"""{PEOPLE}
gallery, told, draw = opened(sys.argv[1]), Path(sys.argv[2]), random.Random(int(sys.argv[3]))
num = number = 0
while number < 59:
    number = int(told.read_text()) if told.exists() else -1
    if number < 0:
        continue
    for asked in (number, draw.randrange(number + 1)):
        names, distances = gallery.search(rows(asked))
        gone = asked % 10 == 4 and asked + 5 <= number
        # A person whose removal was not yet told of may be found or not.
        if asked % 10 != 4 or gone:
            assert (names[0] == [str(asked)]) != gone, (asked, number, names)
            assert gone or distances[0, 0] == 0
        num += 1
print(num)
"""


def check(place: Path, least: int) -> int:
    """That all who are there are whole, and all up to a number there; how many there are."""
    connection = sqlite3.connect(place)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    with Gallery.open(place, model="model-a", dim=DIM) as gallery:
        people = gallery.people()
        assert {person.num_embeddings for person in people} <= {3}
        names = {int(person.name) for person in people}
        assert set(range(least)) <= names
        assert len([entry for entry in gallery.log() if entry.action == "enrol"]) == len(people)
        return len(people)


@pytest.mark.slow
def test_twenty_kills_leave_whole_people_and_lose_none_that_was_committed(place: Path) -> None:
    draw, counts = random.Random(0), [0]
    command = [sys.executable, "-c", ENROL, str(place)]
    for _ in range(20):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            # As far as the enrolment has come, or one part further, and then anywhere within the next.
            told = [process.stdout.readline() for _ in range(counts[-1] // 200 + draw.randrange(2))]
            time.sleep(draw.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            told += process.stdout.read().split()
        assert process.returncode == -signal.SIGKILL
        counts.append(check(place, int(told[-1]) if told else 0))
    assert counts == sorted(counts)
    assert len(set(counts)) > 5
    assert counts[-1] < 10_000
    subprocess.run([sys.executable, "-c", ENROL, str(place)], check=True, capture_output=True)
    assert check(place, 10_000) == 10_000


def test_a_full_disk_is_a_sentence_and_leaves_whole_people(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derin.apps.faces.gallery._EMBEDDINGS_OF_A_COMMIT", 100)
    rows = np.random.default_rng(0).standard_normal((6000, 3, DIM))
    rows = (rows / np.linalg.norm(rows, axis=2, keepdims=True)).astype(np.float32)
    place, filler = small_disk / "faces.db", small_disk / "filler"
    filler.write_bytes(bytes(600_000))
    told: list[int] = []

    def people() -> object:
        for at in range(6000):
            with_last = at - 1 - at % 34  # a transaction holds 34 people; those before it are committed
            told.append(with_last)
            yield str(at), rows[at]

    with Gallery.open(place, model="model-a", dim=DIM) as gallery:
        for _ in range(2):
            with pytest.raises(StorageError, match=r"cannot be written .*full.*; free some space"):
                gallery.enrol_many(people(), known="skip", compare=False)  # type: ignore[arg-type]
        num = check(place, told[-1] + 1 - 34)
        assert 100 < num < 6000
        assert gallery.search(rows[num - 1, 0]).names == [[str(num - 1)]]
        filler.unlink()
        gallery.enrol_many([(str(at), rows[at]) for at in range(num, num + 20)], compare=False)
        gallery.remove("5")
        assert gallery.num_people == num + 19
        assert not any(rows[5].tobytes() in path.read_bytes() for path in small_disk.glob("faces.db*"))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["place", "empty_postgres"])
def test_eight_readers_beside_a_writer_see_every_change(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = str(request.getfixturevalue(where))
    Gallery.open(address, model="model-a", dim=DIM).close()
    told = tmp_path / "told"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READ, address, str(told), str(seed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(8)
    ]
    subprocess.run([sys.executable, "-c", WRITE, address, str(told)], check=True)
    for reader in readers:
        answers, errors = reader.communicate(timeout=60)
        assert errors == ""
        assert int(answers) >= 10


def test_several_that_begin_a_gallery_at_the_same_time_get_the_same_one(place: Path) -> None:
    program = f"{PEOPLE}\ngallery = opened(sys.argv[1])\ngallery.enrol(sys.argv[2], rows(int(sys.argv[2])))"
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(place), str(at)], stderr=subprocess.PIPE, text=True)
        for at in range(6)
    ]
    assert [process.communicate()[1] for process in started] == [""] * 6
    with Gallery.open(place) as gallery:
        assert sorted(person.name for person in gallery.people()) == [str(at) for at in range(6)]
