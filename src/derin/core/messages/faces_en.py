"""What Derin says of faces in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # What a calibration cannot say
    "faces.unsupported": "{pairs:,} different {pairs:=pair|pairs} cannot show a false-match rate of 1 in {asked:,}: "
    "without any error among them they show 1 in {shown:,} at best. That takes {needed:,} independent pairs.",
    "faces.few_people": "The {pairs:,} different pairs are of {people:,} people and so not independent: one face that "
    "many others resemble is in many of them. The interval over people is the more honest one.",
    "faces.unsupported_fpir": "{people:,} people, each as an unknown one, cannot show that {asked:.2%} of unknown "
    "people are taken for somebody: without any error they show {shown:.2%} at best. That takes {needed:,} people.",
    # The curve
    "faces.roc_title": "{same:,} same and {different:,} different {different:=pair|pairs}",
    "faces.roc_x": "false-match rate: different people accepted",
    "faces.roc_y": "same people accepted (1 − FNMR)",
    "faces.roc_eer": "equal error rate {eer:.2%}",
    "faces.roc_threshold": "threshold {threshold:.3f}",
    "faces.roc_unsupported": "too few pairs to tell",
    # Finding and measuring
    "faces.found": ("{count} face.", "{count:,} faces."),
    "faces.face": "{width:.0f} × {height:.0f} pixels at {left:.0f}, {top:.0f}, probability {probability:.1%}",
    "faces.drawn": "The picture with its faces is in {path}.",
    "faces.accuracy": "Pairs decided rightly: {accuracy:.2%} ± {error:.2%} of {pairs:,}, each by the "
    "threshold of the other parts ({folds}).",
    "faces.rates": "Equal error rate {eer:.2%}, area under the ROC {auc:.4f}; threshold of all pairs {threshold:.3f}.",
    "faces.nearest": "Nearest other picture of the same person: {nearest:.2%}, {people:,} {people:=person|people}.",
    "faces.one_picture": "Right person with one picture of each enrolled: {rank1:.2%}, mean over {choices:,} "
    "{choices:=choice|choices} of that picture.",
    "faces.several": (
        "{count} picture shows several faces; the largest was taken.",
        "{count:,} pictures show several faces; the largest of each was taken.",
    ),
    "faces.whole": (
        "In {count} picture no face was found; it was taken whole.",
        "In {count:,} pictures no face was found; they were taken whole.",
    ),
}
