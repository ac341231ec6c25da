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
    # Who is in the gallery
    "faces.reading": "reading faces",
    "faces.enrolled": "{people:,} {people:=person|people} enrolled with {embeddings:,} "
    "{embeddings:=picture|pictures} in {place}.",
    "faces.skipped": (
        "{count:,} person was there already and was left as they were.",
        "{count:,} people were there already and were left as they were.",
    ),
    "faces.near": "{name} and {other} may be one person: the distance of two of their pictures is {distance:.3f}.",
    "faces.reembedded": "{people:,} {people:=person has|people have} {embeddings:,} {embeddings:=embedding|embeddings} "
    "of the new model in {place}. Calibrate its threshold again.",
    "faces.left_out": "Left out: {reason}",
    "faces.name": "name",
    "faces.embeddings": "pictures",
    "faces.since": "since",
    "faces.note": "note",
    "faces.time": "time",
    "faces.action": "action",
    "faces.who": "who",
    "faces.people": (
        "{count:,} person in {place}.",
        "{count:,} people in {place}.",
    ),
    "faces.exported": "What is stored about {name} is in {path}.",
    "faces.deleted": (
        "{names} deleted, with {count:,} embedding.",
        "{names} deleted, with {count:,} embeddings.",
    ),
    "faces.indexed": "{embeddings:,} {embeddings:=embedding|embeddings} in {place} indexed in {seconds:,.1f} s. Of "
    "{queries:,} enrolled {queries:=one|ones} the nearest other is found in {recall:.2%} of cases, in "
    "{approximate:.3f} ms each; comparing with all takes {exact:.3f} ms.",
    "faces.index_size": "The index takes {size} beside the embeddings.",
    "faces.index_short": "That is less often than the {asked:.2%} that were asked for; search exactly where it counts.",
    "faces.index_dropped": "{place} has no index any more: every search compares with all.",
    # Answers
    "faces.by_index": "Searched by the index, which found the nearest in {recall:.2%} of {queries:,} "
    "{queries:=case|cases} when it was built.",
    "faces.index_grown": "It was built of {before:,} {before:=embedding|embeddings}, and there are {now:,} now; "
    "build it again with `derin faces index`.",
    "faces.accepted": "Yes: {picture} shows {name} (distance {distance:.3f}, at most {threshold:.3f}).",
    "faces.refused": "No: {picture} does not show {name} (distance {distance:.3f}, above {threshold:.3f}).",
    "faces.verification_rates": "Calibrated for at most {asked:.3%} false matches: {fmr:.3%} of {different:,} "
    "different {different:=pair|pairs} were accepted ({low:.3%} to {high:.3%} with other people), and {fnmr:.2%} of "
    "{same:,} same {same:=pair|pairs} were refused.",
    "faces.not_supported": "So few pairs cannot show that rate; they show {shown:.3%} at best.",
    "faces.several_enrolled": "The nearest of {pictures:,} enrolled pictures counts, so that false matches are up to "
    "{pictures:,} times as frequent.",
    "faces.threshold_published": "No threshold was calibrated for this gallery. {threshold:.3f} goes with the "
    "published weights, and no rates are known for it here; `derin faces calibrate` fits one to your pictures.",
    "faces.threshold_given": "The threshold {threshold:.3f} was given, and no rates are known for it.",
    "faces.is": "{picture} [{place}]: {name} (distance {distance:.3f})",
    "faces.nobody": "{picture} [{place}]: nobody who is enrolled (the nearest is at {distance:.3f})",
    "faces.candidate": "    {distance:.3f}  {name}",
    "faces.identification_rates": "With {enrolled:,} of such people enrolled, {fpir:.2%} of unknown faces are named "
    "({low:.2%} to {high:.2%} with other people), and {fnir:.2%} of known ones are not given their name.",
    "faces.more_enrolled": "{people:,} {people:=person is|people are} enrolled here, and the more there are, the "
    "more unknown faces are named.",
    "faces.fpir_bound": "Among {people:,} enrolled {people:=person|people} at most {bound:.2%} of unknown faces are "
    "named, by the false-match rate.",
    # Calibration
    "faces.fmr": "FMR   {fmr:.3%} of {different:,} different {different:=pair|pairs} accepted ({low:.3%} to "
    "{high:.3%})",
    "faces.fnmr": "FNMR  {fnmr:.2%} of {same:,} same {same:=pair|pairs} refused ({low:.2%} to {high:.2%})",
    "faces.over_people": "      with other people: {low:.3%} to {high:.3%}",
    "faces.eer": "EER   {eer:.2%}, AUC {auc:.4f}",
    "faces.at_fmr": "      FNMR {fnmr:.2%} at FMR {fmr:.2%}",
    "faces.identifying": "Identification with {enrolled:,} enrolled {enrolled:=person|people}, threshold "
    "{threshold:.4f}:",
    "faces.fpir": "FPIR  {fpir:.2%} of unknown faces named ({low:.2%} to {high:.2%} with other people)",
    "faces.fnir": "FNIR  {fnir:.2%} of known faces not given their name ({low:.2%} to {high:.2%}), "
    "{misidentified:.2%} given another",
    "faces.calibrated": "Threshold {threshold:.4f} is kept in {place}.",
    "faces.roc_written": "The ROC is in {path}.",
    # Groups
    "faces.grouped": "{faces:,} {faces:=face|faces} of {pictures:,} {pictures:=picture|pictures} in {groups:,} "
    "{groups:=group|groups}, {alone:,} of {alone:=it|them} with one face.",
    "faces.wrote": "Written: {path}",
}
