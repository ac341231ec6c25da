"""How fast tables are read beside pandas, and how much memory that takes, by what the cells hold.

python benchmarks/reading.py [--megabytes 10] [--rounds 3] [CONTENT …]

Speed is the ratio of `pandas.read_csv` (of JSON lines `read_json`) to `derin.load`, which finds out delimiter, header,
types and target, reads dates, cuts splits and looks for copies beside reading; both in one process, by turns, in time
of the processor, since other work on the machine makes those of the clock longer. Memory is the peak of a process that
loads the file, above what it held before, over the size of the file and over that of the table's columns.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SENTENCE = "the film was slow but its end moved us all and music kept every scene alive in a quiet way"
WORDS = SENTENCE.split()


def floats(draw: random.Random, row: int) -> str:
    return ",".join(f"{draw.gauss(0, 10):.6f}" for _ in range(6))


def mixed(draw: random.Random, row: int) -> str:
    day = datetime.date(2000, 1, 1) + datetime.timedelta(days=draw.randrange(9000))
    city, size = draw.choice(("Ankara", "Izmir", "Bursa", "Van")), draw.choice("SML")
    return f"{draw.random() * 1000:.2f},{draw.randrange(90)},{city},{day},{size},{draw.gauss(5, 2):.4f}"


def integers(draw: random.Random, row: int) -> str:
    return ",".join(str(draw.randrange(10)) for _ in range(10))


def texts(draw: random.Random, row: int) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randrange(5, 40))) + "," + draw.choice(("pos", "neg"))


def dates(draw: random.Random, row: int) -> str:
    return ",".join(
        str(datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=draw.randrange(10**9))) for _ in "ab"
    )


def strings(draw: random.Random, row: int) -> str:
    return f"{draw.getrandbits(48):x}z,{draw.getrandbits(40):x}y,{draw.choice('ab')}"


def quoted(draw: random.Random, row: int) -> str:
    line = " ".join(draw.choices(WORDS, k=draw.randrange(3, 12)))
    return f'"{line}, he said\nand ""{row}""",{draw.random():.3f},"x,{draw.randrange(9)}"'


def json_lines(draw: random.Random, row: int) -> str:
    text = " ".join(draw.choices(WORDS, k=draw.randrange(3, 12)))
    return json.dumps({"text": text, "label": draw.choice(("pos", "neg"))})


def short_json_lines(draw: random.Random, row: int) -> str:
    return json.dumps({"text": " ".join(draw.choices(WORDS, k=3)), "label": draw.choice("ab")})


# What is written to each file: its ending, its header, and a line for each row.
CONTENTS: dict[str, tuple[str, str, Callable[[random.Random, int], str]]] = {
    "floats": (".csv", "a,b,c,d,e,f", floats),
    "mixed": (".csv", "price,age,city,day,size,y", mixed),
    "integers": (".csv", "a,b,c,d,e,f,g,h,i,j", integers),
    "texts": (".csv", "text,label", texts),
    "dates": (".csv", "start,end", dates),
    "strings": (".csv", "key,other,y", strings),
    "quoted": (".csv", "said,value,code", quoted),
    "json lines": (".jsonl", "", json_lines),
    "short json lines": (".jsonl", "", short_json_lines),
}


def write(content: str, path: Path, megabytes: float) -> None:
    _, header, line = CONTENTS[content]
    draw, row, left = random.Random(0), 0, int(megabytes * 1e6)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header + "\n" * bool(header))
        while left > 0:
            lines = [line(draw, row + i) for i in range(1000)]
            row += len(lines)
            left -= file.write("\n".join(lines) + "\n")


def load(path: Path) -> int:
    """Loads a file; the bytes of its table's columns."""
    import derin

    # The last column of each file is what is asked; of dates none is a sensible answer, which costs nothing here.
    table = derin.load(path)
    return sum(array.nbytes for column in table.columns.values() for array in column.arrays)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def child(way: str, content: str, path: Path, small: Path, rounds: int) -> None:
    load(small)  # what is imported on the way is no part of reading
    if way == "memory":
        before = peak()
        data = load(path)
        print(json.dumps([peak() - before, data]))
        return
    found: dict[str, list[float]] = {"derin": [], "pandas": []}
    readers: dict[str, Callable[[Path], object]] = {"derin": load}
    try:
        import pandas
    except ImportError:
        print("pandas is not installed; only Derin's own speed is measured.", file=sys.stderr)
    else:
        is_csv = path.suffix == ".csv"
        readers["pandas"] = pandas.read_csv if is_csv else functools.partial(pandas.read_json, lines=True)
        readers["pandas"](small)
    for _ in range(rounds):
        for name, read in readers.items():
            start = time.process_time()
            read(path)
            found[name].append(time.process_time() - start)
    print(json.dumps({name: statistics.median(seconds) for name, seconds in found.items() if seconds}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contents", nargs="*", metavar="CONTENT", help=", ".join(CONTENTS))
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        way, content, path, small = args.child
        child(way, content, Path(path), Path(small), args.rounds)
        return
    print(f"{'content':>16} {'MB':>6} {'MB/s':>6} {'of pandas':>9} {'peak/size':>9} {'peak/data':>9}")
    for content in args.contents or CONTENTS:
        with tempfile.TemporaryDirectory() as folder:
            ending = CONTENTS[content][0]
            path, small = Path(folder, "data" + ending), Path(folder, "small" + ending)
            write(content, path, args.megabytes)
            write(content, small, 0.1)
            size = path.stat().st_size
            answers = {}
            for way in ("memory", "speed") if args.rounds else ("memory",):
                command = [sys.executable, __file__, "--rounds", str(args.rounds), "--child", way, content]
                done = subprocess.run([*command, str(path), str(small)], check=True, capture_output=True, text=True)
                answers[way] = json.loads(done.stdout)
            seconds = answers.get("speed", {})
            speed = f"{size / 1e6 / seconds['derin']:.1f}" if seconds else ""
            ratio = f"{seconds['pandas'] / seconds['derin']:.3f}" if "pandas" in seconds else ""
            most, data = answers["memory"]
            row = f"{content:>16} {size / 1e6:6.1f} {speed:>6} {ratio:>9} {most / size:9.2f} {most / data:9.2f}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
