"""The course's numeric examples, and what can be told from how many examples."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from derin import diagnose_numbers
from derin.cli.main import app
from derin.core.errors import UsageError
from derin.strategy.diagnosis import PARTS, Diagnosis
from derin.strategy.diagnosis_text import verdict

RUNNER = CliRunner()

# Errors in percent as the course gives them, and its conclusion; where two parts are equal, that of bias comes first.
EXAMPLES = [
    ({"human": 0, "train": 1, "dev": 11}, "variance"),
    ({"human": 0, "train": 15, "dev": 16}, "avoidable_bias"),
    ({"human": 0, "train": 15, "dev": 30}, "avoidable_bias"),
    ({"human": 1, "train": 8, "dev": 10}, "avoidable_bias"),
    ({"human": 7.5, "train": 8, "dev": 10}, "variance"),
    ({"human": 0.5, "train": 5, "dev": 6}, "avoidable_bias"),
    ({"human": 0.5, "train": 1, "dev": 5}, "variance"),
    ({"human": 0.5, "train": 0.7, "dev": 0.8}, "avoidable_bias"),
    ({"human": 0.7, "train": 0.7, "dev": 0.8}, "variance"),
    ({"human": 0, "train": 1, "traindev": 9, "dev": 10}, "variance"),
    ({"human": 0, "train": 1, "traindev": 1.5, "dev": 10}, "data_mismatch"),
    ({"human": 0, "train": 10, "traindev": 11, "dev": 12}, "avoidable_bias"),
    ({"human": 0, "train": 10, "traindev": 11, "dev": 20}, "avoidable_bias"),
]
# The differences of each pair of neighbors, which are the parts.
LADDER = ("human", "train", "traindev", "dev")


@pytest.mark.parametrize(("percent", "principal"), EXAMPLES)
def test_each_example_of_the_course_gives_its_conclusion(percent: dict[str, float], principal: str) -> None:
    found = diagnose_numbers(**{name: f"{value}%" for name, value in percent.items()})
    assert found.principal == principal
    texts = [f"{name}={value / 100}" for name, value in percent.items()]
    result = RUNNER.invoke(app, ["diagnose", "--numbers", *texts, "--json"])
    document = json.loads(result.stdout)
    assert document["principal"] == principal
    assert document["suggestions"]
    assert all(set(each) == {"why", "command"} for each in document["suggestions"])
    known = [percent[name] for name in LADDER if name in percent]
    steps = [(after - before) / 100 for before, after in pairwise(known)]
    assert [part["value"] for part in document["parts"]] == pytest.approx(steps, abs=1e-12)
    assert [part["name"] for part in document["parts"]] == list(PARTS[: len(steps)])
    # Without numbers of examples all is exact.
    assert all(part["low"] == part["high"] == part["value"] for part in document["parts"])


def test_bias_comes_first_and_variance_is_said_to_be_equal() -> None:
    found = diagnose_numbers(human=0, train=0.15, dev=0.30)
    assert [part.value for part in found.parts] == pytest.approx([0.15, 0.15], abs=1e-12)
    mismatch = diagnose_numbers(human=0, train=0.10, traindev=0.11, dev=0.20)
    assert [part.name for part in sorted(mismatch.parts, key=lambda p: -p.value)][:2] == [
        "avoidable_bias",
        "data_mismatch",
    ]


def test_words_name_the_part_that_is_nearly_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    for numbers, also in (
        ({"train": 0.10, "traindev": 0.11, "dev": 0.20}, "Data mismatch is nearly as large: 9.0%."),
        ({"train": 0.15, "dev": 0.30}, "Variance is nearly as large: 15.0%."),
    ):
        assert verdict(diagnose_numbers(human=0, **numbers)).endswith(also)
    assert "nearly" not in verdict(diagnose_numbers(human=0, train=0.15, dev=0.16))


def test_what_is_smaller_than_material_is_nothing() -> None:
    assert diagnose_numbers(human=0, train=0.005, dev=0.01, material=0.01).principal == "none"
    assert diagnose_numbers(human=0, train=0.005, dev=0.01).principal == "avoidable_bias"
    texts = ["human=0", "train=0.5%", "dev=1%", "--material", "0.01", "--json"]
    result = RUNNER.invoke(app, ["diagnose", "--numbers", *texts])
    assert json.loads(result.stdout)["principal"] == "none"
    assert json.loads(result.stdout)["suggestions"] == []


def test_the_best_of_several_levels_stands_for_the_error_that_nobody_goes_below() -> None:
    levels = {"typical_person": 0.03, "typical_doctor": 0.01, "experienced_doctor": 0.007, "team": 0.005}
    found = diagnose_numbers(train=0.007, dev=0.008, **levels)
    assert (found.principal, found.reference) == ("avoidable_bias", "team")
    assert found.otherwise["experienced_doctor"] == "variance"
    chosen = diagnose_numbers(train=0.007, dev=0.008, reference="experienced_doctor", **levels)
    assert (chosen.principal, chosen.reference) == ("variance", "experienced_doctor")
    texts = [f"{name}={value}" for name, value in levels.items()]
    command = ["diagnose", "--numbers", *texts, "train=0.7%", "dev=0.8%", "--reference", "experienced_doctor"]
    assert json.loads(RUNNER.invoke(app, [*command, "--json"]).stdout)["principal"] == "variance"


def test_small_samples_cannot_tell_and_so_many_more_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    few = diagnose_numbers(human=0.01, train=(0.08, 50), dev=(0.10, 20))
    assert few.principal == "cannot_tell"
    # Bias is surely there, though it may not be the largest: what helps against it stands behind the measuring.
    measure, *knobs = [suggestion.command for suggestion in few.suggestions]
    assert measure == "derin eval RUN DATA"
    assert knobs
    assert few.worth_work == few.part("avoidable_bias")
    unsure = diagnose_numbers(train=(0.02, 100), dev=(0.05, 100))
    assert [suggestion.command for suggestion in unsure.suggestions] == ["derin eval RUN DATA"]
    assert "320 dev examples more" in few.suggestions[0].why
    more = {name: (few.errors[name].num_examples or 0) + num for name, num in few.more_examples.items()}
    assert set(more) == {"train", "dev"}
    told = diagnose_numbers(human=0.01, train=(0.08, more["train"]), dev=(0.10, more["dev"]))
    assert told.principal == "avoidable_bias"
    # Half of what was said would be too little.
    half = {name: few.errors[name].num_examples + num // 2 for name, num in few.more_examples.items()}
    assert diagnose_numbers(human=0.01, train=(0.08, half["train"]), dev=(0.10, half["dev"])).principal == "cannot_tell"
    assert diagnose_numbers(human=0.01, train=(0.08, 5000), dev=(0.10, 1000)).principal == "avoidable_bias"
    # Twenty examples without a mistake do not show that nothing is wrong; ten thousand do.
    assert diagnose_numbers(human=0, train=(0.0, 20), dev=(0.0, 20)).principal == "cannot_tell"
    assert diagnose_numbers(human=0, train=(0.0, 10_000), dev=(0.0, 10_000)).principal == "none"


def test_a_dev_set_from_which_too_much_was_chosen() -> None:
    found = diagnose_numbers(human=0, train=(0.02, 10_000), dev=(0.03, 500), test=(0.12, 500))
    assert found.principal == "dev_overfit"
    part = found.part("dev_overfit")
    assert part is not None
    assert part.value == pytest.approx(0.09, abs=1e-12)


def test_counts_of_the_same_examples_make_a_narrower_part() -> None:
    def bias(**paired: tuple[int, int, int]) -> Diagnosis:
        return diagnose_numbers(human=(0.05, 400), train=(0.08, 400), dev=(0.09, 400), paired=paired)

    # Of 400 examples, 16 are wrong for the system alone and 4 for people alone.
    (apart, *_), (together, *_) = bias().parts, bias(avoidable_bias=(16, 4, 400)).parts
    assert together.high - together.low < apart.high - apart.low
    assert apart.low < 0 < together.low


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("trian=0.1 dev=0.2", "did you mean 'train'"),
        ("train=8 dev=0.2", "Write 8% if that is meant"),
        ("train=0.1 train=0.2 dev=0.1", "given twice"),
        ("train=0.1 val=0.2 dev=0.1", "given twice"),
        ("train=0.1", "needs the errors of train and dev"),
        ("human=0.1 dev=0.1", "needs the errors of train and dev"),
        ("train=0.1:0 dev=0.2", "at least 1"),
        ("train=0.1:2.5 dev=0.2", "a whole number"),
        ("train=much dev=0.1", "a share such as 0.08"),
        ("train dev=0.1", "NAME=ERROR"),
        ("train=0.1 dev=-0.1", "between 0 and 1"),
        ("train=nan dev=0.1", "between 0 and 1"),
        ("train=0.1 dev=0.2 --material -1", "at least 0"),
        ("train=0.1 dev=0.2 --reference expert", "reference level named 'expert'"),
        ("train=0.1 dev=0.2 --metric f1", "--metric chooses among those of a run"),
    ],
)
def test_numbers_that_are_missing_or_contradict_each_other_are_one_sentence(texts: str, said: str) -> None:
    result = RUNNER.invoke(app, ["diagnose", "--numbers", *texts.split()])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_paired_counts_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="n counts all examples"):
        diagnose_numbers(human=0.05, train=0.08, dev=0.09, paired={"avoidable_bias": (300, 200, 400)})
