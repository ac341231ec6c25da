"""Entity F1 of the documented defaults beside an independent scorer, and what imported vectors bring to few sentences.

python benchmarks/tagging.py conll2003_en turkish_wiki_ner
python benchmarks/tagging.py transfer

`transfer` is the course's "Sally Johnson is an orange farmer" → "Robert Lin is a durian cultivator" as an experiment.
Names are people before an occupation and firms before a kind of firm; 16 sentences are learned from, and every name,
fruit, occupation and kind of firm of the 48 test sentences is new. Only what is known of the new words from elsewhere
can tell the two apart.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import tempfile
import warnings
from pathlib import Path
from typing import Any

import derin

SETS = {"conll2003_en": 0.80, "turkish_wiki_ner": 0.70}
VECTORS = "glove_twitter_25d_12k/glove.twitter.25d.12k.txt"

# (first names, last names, fruits, occupations, kinds of firm), first those that are learned from.
WORDS = {
    "train": (
        ("Sally", "David", "Mary", "Peter"),
        ("Johnson", "Smith", "Brown", "King"),
        ("orange", "apple", "lemon", "banana"),
        ("farmer", "baker", "chef", "teacher"),
        ("company", "store", "brand", "restaurant"),
    ),
    "test": (
        ("Robert", "Anna", "Lucas"),
        ("Lin", "Stone", "Baker"),
        ("cherry", "peach"),
        ("dentist", "lawyer", "doctor", "driver"),
        ("factory", "bank", "shop", "label"),
    ),
}


def sentences(split: str) -> str:
    """The sentences of a split in columns: 16 to learn from, 48 to test."""
    firsts, lasts, fruits, occupations, firms = WORDS[split]
    names = list(zip(firsts, lasts))
    written = []
    for kind, heads in (("PER", occupations), ("ORG", firms)):
        pairs = itertools.product(heads, fruits) if split == "test" else zip(heads * 2, fruits + fruits[::-1])
        for number, (head, fruit) in enumerate(pairs):
            chosen = names if split == "test" else [names[number % len(names)]]
            article = "an" if fruit[0] in "ao" else "a"
            for first, last in chosen:
                tagged = [(first, f"B-{kind}"), (last, f"I-{kind}")]
                tagged += [(word, "O") for word in ("is", article, fruit, head, ".")]
                written.append("\n".join(f"{word} {tag}" for word, tag in tagged))
    return "\n\n".join(written) + "\n"


def transfer(seeds: list[int], vectors: Path) -> dict[str, list[float]]:
    """Test F1 of each seed, with the vectors of words and without."""
    found: dict[str, list[float]] = {"without vectors": [], "with vectors": []}
    with tempfile.TemporaryDirectory() as folder:
        for split in ("train", "val", "test"):
            # Nothing is chosen on val: it holds the training sentences again.
            text = sentences("train" if split == "val" else split)
            (Path(folder) / f"{split}.conll").write_text(text)
        for seed, name in itertools.product(seeds, found):
            inputs: dict[str, Any] = {"vectors": str(vectors)} if name == "with vectors" else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run = derin.fit(
                    folder, task="tagging", inputs=inputs, seed=seed, report=False, out=f"{folder}/{name}-{seed}"
                )
            found[name].append(run.record["metrics"]["test"]["f1"])
    return found


def measure(name: str, seed: int) -> dict[str, Any]:
    """One run with the defaults: its own F1, seqeval's of the same answers, the baseline's, and the time."""
    from seqeval.metrics import f1_score

    table = derin.load(name, task="tagging")
    with tempfile.TemporaryDirectory() as folder:
        run = derin.fit(table, task="tagging", seed=seed, report=False, out=f"{folder}/run")
        model = derin.open(run.path)
    rows = table.splits["test"]
    words: Any = table.columns[table.inputs[0].name]
    tags: Any = table.columns[table.target().name]
    classes = table.target().classes or ()
    bounds = tags.offsets.tolist()
    truth = [[classes[tag] for tag in tags.flat[bounds[row] : bounds[row + 1]]] for row in rows.tolist()]
    answers = [list(answer.tags) for answer in model.predictions(words.word_lists(rows))]
    return {
        "f1": run.record["metrics"]["test"]["f1"],
        "seqeval": f1_score(truth, answers),
        "baseline": run.record["findings"]["baseline"]["f1"],
        "epochs": run.record["epochs"],
        "seconds": run.record["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*SETS, "transfer", []], default=[*SETS, "transfer"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--vectors", type=Path, help="for transfer; GloVe's below DERIN_DATA where none is named")
    args = parser.parse_args()
    for name in args.names:
        if name == "transfer":
            vectors = args.vectors or Path(os.environ["DERIN_DATA"]) / VECTORS
            found = transfer(args.seeds, vectors)
            for kind, scores in found.items():
                print(f"{kind}: F1 {statistics.mean(scores):.3f}", json.dumps([round(s, 3) for s in scores]))
            continue
        runs = [measure(name, seed) for seed in args.seeds]
        for run in runs:
            assert abs(run["f1"] - run["seqeval"]) < 1e-12, run
        f1 = statistics.mean(run["f1"] for run in runs)
        seconds = statistics.median(run["seconds"] for run in runs)
        verdict = "ok" if f1 >= SETS[name] else "BELOW"
        print(f"{name}: test F1 {f1:.4f} (asked {SETS[name]}: {verdict}), {seconds:.0f} s", json.dumps(runs))


if __name__ == "__main__":
    main()
