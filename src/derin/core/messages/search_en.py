"""What Derin says of choosing and searching in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Metrics that a choice may name
    "metric.error": "error",
    "metric.f_beta": "F-beta",
    "metric.f2": "F2",
    "metric.f0.5": "F0.5",
    "metric.weighted_error": "weighted error",
    "metric.latency_ms": "ms for one example",
    "metric.memory_mb": "MB of memory",
    "metric.size_mb": "MB on disk",
    "metric.parameters": "parameters",
    # Comparing
    "compare.run": "run",
    "compare.measured": (
        "Measured on {count:,} {split} example, the same for all.",
        "Measured on {count:,} {split} examples, the same for all.",
    ),
    "compare.measured_alone": (
        "{run} is measured on {count:,} {split} example of its own.",
        "{run} is measured on {count:,} {split} examples of its own.",
    ),
    "compare.no_common": "The runs were measured on different data: no example that none of them was trained "
    "on is known to all. Their figures stand side by side, and whether they differ cannot be tested; name data for all "
    "with --data.",
    "compare.some_common": "{num:,} of up to {whole:,} examples are known to all runs and were not trained on; the "
    "others are left out.",
    "compare.trained_on": (
        "{count:,} example on which another of the runs was trained is left out.",
        "{count:,} examples on which another of the runs was trained are left out.",
    ),
    "compare.unlike_answers": (
        "{count:,} example has another true answer in one of the sets and is left out.",
        "{count:,} examples have other true answers in one of the sets and are left out.",
    ),
    "compare.by_place": "The runs read the data differently, such as pictures at other sizes; examples are known by "
    "their place in it.",
    "compare.no_test": "The task {task} has no answer to a single example; whether runs differ by chance is not "
    "tested.",
    "compare.many_pairs": "{pairs:,} pairs are tested: of twenty pairs that are equally good, one seems different by "
    "chance.",
    "compare.difference": "{metric}, {one} minus {other}: {difference} (95 % interval {low} to {high}).",
    "compare.p_value": " McNemar’s p = {p}.",
    "compare.better": "{better} is better than {worse}.",
    "compare.at_the_border": "It is close: of the test and the interval one says that {first} and {second} differ, the "
    "other that it may be chance. Measure them on more examples.",
    "compare.chance": "{first} and {second} cannot be told apart: the difference may be chance.",
    "compare.chosen": "Chosen: {run} ({numbers}), by: {goal}.",
    "compare.refused": "Not good enough: {runs}.",
    "compare.front": "none is better in one without being worse in the other",
    "compare.picture": "The picture is at {path}",
    # Searching
    "search.title": "Search over settings on {data}",
    "search.maximize": "as much {metric} on validation as possible",
    "search.minimize": "as little {metric} on validation as possible",
    "search.maximize_subject": "as much {metric} on validation as possible, with {limits}",
    "search.minimize_subject": "as little {metric} on validation as possible, with {limits}",
    "search.result": "Result",
    "search.history": "Trial by trial",
    "search.together": "All settings at once",
    "search.together_about": "Each line is a trial: it crosses every axis at the value of that setting and ends at "
    "what came of it. The better the result, the darker the line. Where the good ones run "
    "close together, a setting matters.",
    "search.together_title": "From the settings to {metric}",
    "search.settings": "Setting by setting",
    "search.importance": "Which settings mattered",
    "search.trials": "All trials",
    "search.again": "Going on",
    "search.nothing_yet": "No trial has come to its end yet.",
    "search.nothing_fits": "No trial meets the constraints.",
    "search.best": "The best run, {run}, has {metric} {best} on validation.",
    "search.better": "The best run, {run}, has {metric} {best} on validation; the default settings have {default}.",
    "search.default_best": (
        "The default settings have {metric} {best} on validation, and {count:,} other trial was no better ({run}).",
        "The default settings have {metric} {best} on validation, and none of {count:,} other trials was better "
        "({run}).",
    ),
    "search.by": "Its settings: {settings}.",
    "search.test": "On test, which chose nothing and was measured for the best run alone: {metric} {value}.",
    "search.optimism": "On validation the best of {count:,} {count:=trial|trials} looks better than it is, since "
    "luck is chosen with it; "
    "the test split tells what it is worth.",
    "search.baselines": "Methods that take seconds, {metric} on validation: {values}.",
    "search.baseline_majority": "majority",
    "search.baseline_mean": "mean",
    "search.baseline_linear": "linear model",
    "search.baseline_neighbors": "nearest neighbors",
    "search.history_of": "{metric} on validation, and the best so far",
    "search.legend": "Orange: the best. Blue: trained to the end. Gray: given up, with what it had reached by then.",
    "search.trial": "trial",
    "search.outcome": "end",
    "search.epochs": "epochs",
    "search.time": "time",
    "search.finished": "finished",
    "search.halved": "given up",
    "search.diverged": "diverged",
    "search.failed": "failed",
    "search.running": "under way",
    "search.importance_share": "share of the differences that a setting explains",
    "search.importance_about": "Of the differences between the trials, so much goes with each setting alone "
    "or together with others (functional ANOVA of a forest; Hutter et al. 2014). With few trials it is a hint.",
    "search.importance_early": "Few trials came to their end; compared is how those that came "
    "to epoch {epoch:,} fared by then.",
    "search.importance_unknown": "Too few trials with different results have come to their end to tell which "
    "settings mattered.",
    "search.trials_about": "Each trial is a run in the folder trials. One that was given up keeps its state: derin "
    "train "
    "--resume goes on with it.",
    "search.telling": "Trial {number}: {outcome}, {metric} {value}; {settings}",
    "search.telling_failed": "Trial {number}: {outcome}; {settings}; {reason}",
    "search.going_on": "The search is not over; go on with: {command}",
    "search.saved": "The best run is {run}; the page of the search is at {address}",
    "search.page": "The page of the search is at {address}",
    "search.elsewhere": "The best run lies on another machine, in {run} of its search.",
    # End to end against staged
    "pipelines.end_to_end": "end to end",
    "pipelines.staged": "by stages",
    "pipelines.oracle": "by stages, true place",
    "pipelines.training": "Training networks",
    "pipelines.size": "training examples",
    "pipelines.right": "right answers on test",
    "pipelines.difference": "end to end minus staged",
    "pipelines.classifier": "classifier",
    "pipelines.about": "Each sound lies somewhere in {seconds:.2g} s of noise, {snr:g} dB louder than it. End to end, "
    "a network reads the spectrogram of all of it; by stages, the voice is found by its energy, becomes mean and "
    "deviation of its MFCC, and is classified. {count:,} test {count:=example|examples}; all intervals 95 %.",
    "pipelines.end_to_end_wins": "With {sizes} training examples end to end is better.",
    "pipelines.staged_wins": "With {sizes} training examples the stages are better.",
    "pipelines.chance": "With {sizes} training examples they cannot be told apart: the difference may be chance.",
    "pipelines.ceiling_voice": "A perfect first stage, from the true place of the voice, would bring {value:+.1%} "
    "right answers ({low:+.1%} to {high:+.1%}); what is found and the truth have {overlap:.0%} in common.",
    "pipelines.ceiling_recognition": "Perfect features and a perfect classifier after it would bring {value:+.1%} "
    "({low:+.1%} to {high:+.1%}).",
    "pipelines.work_on": "Most is to be gained from {stage}.",
    "pipelines.stage_voice": "finding the voice",
    "pipelines.stage_recognition": "features and classifier",
    # Sizes of splits
    "splits.shares": "{splits}: {shares} % of the examples. What Derin cuts for validation and test is {share:.0%} "
    "each, and "
    "no more than {largest:,}: of a million examples 98 / 1 / 1 %, since ten thousand tell half a percent.",
    "splits.tells": (
        "{count:,} {split} example tells an accuracy of {accuracy:.0%} to within ±{half:.1%}: less between two runs is "
        "chance.",
        "{count:,} {split} examples tell an accuracy of {accuracy:.0%} to within ±{half:.1%}: less between two runs "
        "may "
        "be chance.",
    ),
    "splits.alike": "Validation and test look alike: a classifier cannot tell them apart (p = {p:.2g}).",
    "splits.differ": "Validation and test differ: a classifier tells them apart (AUC {auc:.2f}; {features}). What is "
    "chosen "
    "on validation aims at something else than what test measures; take both from the same examples.",
    "splits.no_feature": "no single feature by itself",
}
