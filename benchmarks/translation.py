"""Translation with documented settings: dates, Multi30k and Tatoeba by a Transformer, BLEU with and without attention.

python benchmarks/translation.py dates_en dates_tr
python benchmarks/translation.py multi30k --keep runs/multi30k
python benchmarks/translation.py tatoeba --texts "How are you?" "I lost my keys yesterday."
python benchmarks/translation.py by_length --epochs 10 --picture by_length.png

Each prints one line for people and, with --json FILE, one document. `multi30k` also has sacrebleu's own command score
the translations of the test split, and searches them once more with a beam of 10.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A training command, the measure of its test split, and what that must reach."""

    arguments: tuple[str, ...]
    measure: str
    asked: float
    minutes: float


CLAIMS = {
    "dates_en": Claim(("dates_en",), "exact_match", 0.99, 10),
    "dates_tr": Claim(("dates_tr",), "exact_match", 0.99, 10),
    "multi30k": Claim(("multi30k_en_de", "--model", "transformer"), "bleu", 28.0, 45),
    "tatoeba": Claim(("tatoeba_en_tr", "--model", "transformer"), "bleu", 0.0, 45),
}
WITHOUT, WITH = "seq2seq_gru", "seq2seq_attention"


def derin(*arguments: str) -> Any:
    """The JSON document of a command of ours."""
    command = [sys.executable, "-m", "derin", *arguments, "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def train(arguments: tuple[str, ...], out: Path, seed: int) -> dict[str, Any]:
    """Trains and gives the seconds, the plan and what was found of the test split."""
    result = derin("train", *arguments, "--seed", str(seed), "--out", str(out))
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return {"seconds": result["seconds"], "epochs": result["epochs"], "plan": result["plan"], **record["findings"]}


def claim(name: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Trains for a claim, and says whether it is reached."""
    asked = CLAIMS[name]
    out = args.keep or folder / name
    extra = ("--epochs", str(args.epochs)) if args.epochs else ()
    found = train(asked.arguments + extra, out, args.seed)
    greedy, beam = found["greedy"], found["beam"]
    value = beam[asked.measure]
    in_time = found["seconds"] <= 60 * asked.minutes
    reached = value >= asked.asked and in_time
    print(
        f"{name}: {asked.measure} {value:.4g} (asked {asked.asked}), greedy {greedy[asked.measure]:.4g}, "
        f"BLEU {beam['bleu']:.2f}, chrF {beam['chrf']:.2f}, {found['epochs']} epochs, {found['seconds']:.0f} s "
        f"(at most {60 * asked.minutes:.0f}), whose fault {found['blame']['counts']}: "
        f"{'reached' if reached else 'NOT reached'}",
        flush=True,
    )
    document = {"claim": name, "reached": reached, **found}
    if name == "multi30k":
        document["by_command"] = by_command(out, folder)
        print(f"multi30k, by sacrebleu's own command: {document['by_command']}", flush=True)
    if args.texts:
        document["texts"] = derin("translate", str(out), *args.texts)["translations"]
        for answer in document["texts"]:
            print(f"  {answer['input']} → {answer['text']}", flush=True)
    return document


def by_command(run: Path, folder: Path) -> dict[str, float]:
    """BLEU of the test split of Multi30k as sacrebleu's command has it, for greedy search and beams of 3 and 10."""
    from derin.api.load import load

    table = load("multi30k_en_de")
    rows = table.splits["test"]
    for column in table.schema:
        texts = table.columns[column.name].texts(rows)  # type: ignore[attr-defined]
        (folder / column.name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    found = {}
    for beam in (1, 3, 10):
        said = folder / f"beam{beam}"
        derin("translate", str(run), "--file", str(folder / "en"), "--out", str(said), "--beam", str(beam))
        command = [sys.executable, "-m", "sacrebleu", str(folder / "de"), "-i", str(said), "-b", "-w", "2"]
        found[f"beam {beam}"] = float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def by_length(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """BLEU against the length of the source, for the same network with and without attention."""
    lines = {}
    for model in (WITHOUT, WITH):
        arguments = ("multi30k_en_de", "--model", model, "--epochs", str(args.epochs or 10))
        found = train(arguments, folder / model, args.seed)
        lines[model] = {"bleu": found["beam"]["bleu"], "seconds": found["seconds"], "by_length": found["by_length"]}
        told = ", ".join(f"{part['from']}–{part['to']}: {part['bleu']:.1f}" for part in found["by_length"])
        print(f"{model}: BLEU {found['beam']['bleu']:.2f}; by words of the source {told}", flush=True)
    if args.picture is not None:
        draw(lines, args.picture)
    return {"claim": "by_length", **lines}


def draw(lines: dict[str, Any], path: Path) -> None:
    """The picture of both lines."""
    from derin.lessons.drawing import COLORS, legend, new_figure, png, style

    figure = new_figure(6.4, 3.6)
    axes = figure.add_subplot()
    for (model, line), color in zip(lines.items(), COLORS, strict=False):
        middle = [(part["from"] + part["to"]) / 2 for part in line["by_length"]]
        axes.plot(middle, [part["bleu"] for part in line["by_length"]], "o-", color=color, label=model)
    axes.set_ylim(bottom=0)
    style(axes, title="BLEU by length of the source", x_label="words of the source", y_label="BLEU")
    legend(axes)
    path.write_bytes(png(figure))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=[*CLAIMS, "by_length"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the default")
    parser.add_argument("--keep", type=Path, help="folder of the run, for one name")
    parser.add_argument("--texts", nargs="+", help="to be translated after training")
    parser.add_argument("--picture", type=Path, help="of by_length, a .png file")
    parser.add_argument("--json", type=Path, help="file for all that was found")
    args = parser.parse_args()
    if args.keep is not None and len(args.names) > 1:
        parser.error("--keep is for one name")
    documents = []
    for name in args.names:
        with tempfile.TemporaryDirectory() as folder:
            documents.append(by_length(args, Path(folder)) if name == "by_length" else claim(name, args, Path(folder)))
        if args.json is not None:
            args.json.write_text(json.dumps(documents, ensure_ascii=False, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
