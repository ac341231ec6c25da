"""Language models by documented defaults, through the command line: losses, n-grams beside them, sentences, melodies.

python benchmarks/language.py                  # everything, about half an hour on two cores
python benchmarks/language.py shakespeare food
python benchmarks/language.py --keep runs/language
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SECONDS = 15 * 60
_WELL_FORMED = 0.95
_TUNES = 200


def derin(*arguments: str) -> Any:
    """One command's JSON document."""
    command = [sys.executable, "-m", "derin", *arguments, "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def train(data: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """A run's record; a run that is there is read, not trained again."""
    if not (folder / "run.json").exists():
        derin("train", data, "--task", "lm", "--out", str(folder), *arguments)
    return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))


def bits_and_gain(record: dict[str, Any]) -> tuple[float, float, float]:
    """Bits per character of network and 5-gram on the validation text, and the share that the network saves."""
    ours = record["metrics"]["val"]["bits_per_character"]
    theirs = record["findings"]["baseline"]["bits_per_character"]["val"]
    return ours, theirs, 1 - ours / theirs


def shakespeare(folder: Path) -> list[str]:
    """At most 1.55 nats per character on the last tenth, within 15 minutes."""
    record = train("tinyshakespeare", folder)
    loss, seconds = record["metrics"]["val"]["loss"], record["seconds"]
    _, theirs, gain = bits_and_gain(record)
    return [
        line("validation loss, nats per character", loss, "<=", 1.55),
        line("seconds of training", seconds, "<=", _SECONDS),
        f"the character 5-gram needs {theirs:.3f} bits, the network {gain:.1%} less",
        *sentences(record),
        f"a sample:\n{record['findings']['samples']['texts'][0]}",
    ]


def turkish(folder: Path) -> list[str]:
    """At least 15 % below an interpolated character 5-gram; İ and ı are kept apart from I and i."""
    record = train("turkish_corpus", folder)
    ours, theirs, gain = bits_and_gain(record)
    prompts = {letter: derin("generate", str(folder), "--prompt", letter, "--length", "40") for letter in "İıIi"}
    kept = all(texts[0]["text"].startswith(letter) for letter, texts in prompts.items())
    return [
        f"bits per character: {ours:.3f}, of the 5-gram {theirs:.3f}",
        line("gain", gain, ">=", 0.15),
        f"seconds of training: {record['seconds']:.0f}",
        f"İ, ı, I and i survive: {kept}",
        *sentences(record),
        f"a sample:\n{record['findings']['samples']['texts'][0]}",
    ]


def sentences(record: dict[str, Any]) -> list[str]:
    """Lines of the validation text beside their own words shuffled."""
    found = record["findings"]["sentences"]
    return [line(f"of {found['num']} sentences above their shuffled words", found["share"], ">=", _WELL_FORMED)]


def food(folder: Path) -> list[str]:
    """ "The apple and pear salad" is more probable than "The apple and pair salad"."""
    record = train("food", folder, "--tokenizer", "words")
    pear, pair = derin("score", str(folder), "The apple and pear salad", "The apple and pair salad")
    return [
        f"perplexity of a word: {record['metrics']['val']['perplexity']:.2f}",
        line("ln P of pear over pair", pear["log_probability"] - pair["log_probability"], ">=", 0.0),
    ]


def music(folder: Path) -> list[str]:
    """How many melodies that the network writes keep the rule by which it learned."""
    from derin.datasets.generated.music import broken_rules

    train("music", folder)
    broken: Counter[str] = Counter()
    whole = 0
    for header in ("M:3/4\nK:G\n", "M:4/4\nK:C\n", "M:6/8\nK:D\n", "M:4/4\nK:F\n"):
        prompt = ("--prompt", header, "--until", r"\n\n", "--n", str(_TUNES // 4), "--length", "120")
        for tune in derin("generate", str(folder), *prompt):
            faults = broken_rules(tune["text"])
            broken.update(faults)
            whole += not faults
    return [
        f"{whole} of {_TUNES} melodies keep every rule; broken: {dict(broken) or 'none'}",
    ]


def line(what: str, value: float, relation: str, asked: float) -> str:
    """A figure beside what is asked of it."""
    reached = value <= asked if relation == "<=" else value >= asked
    return f"{what}: {value:.4g} (asked {relation} {asked:g}: {'reached' if reached else 'NOT reached'})"


PARTS: dict[str, Callable[[Path], list[str]]] = {
    "shakespeare": shakespeare,
    "turkish": turkish,
    "food": food,
    "music": music,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--keep", type=Path, help="a folder for the runs; those that are there are not trained again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in args.parts:
            lines = PARTS[name]((args.keep or Path(temporary)) / name)
            print(f"{name}\n" + "\n".join(f"  {text}" for text in lines), flush=True)


if __name__ == "__main__":
    main()
