"""What Derin says of mistakes in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Tags that are found by themselves
    "errors.tag_blurry": "blurry",
    "errors.tag_dark": "dark",
    "errors.tag_bright": "bright",
    "errors.tag_low_contrast": "low contrast",
    "errors.tag_small": "small",
    "errors.tag_wide": "wide",
    "errors.tag_tall": "tall",
    "errors.tag_short": "short",
    "errors.tag_long": "long",
    "errors.tag_rare_words": "rare words",
    "errors.tag_unusual": "{column}: unusual value",
    "errors.tag_missing": "{column}: missing",
    "errors.tag_rare": "{column}: rare value",
    "errors.tag_source": "{column} = {value}",
    "errors.tag_copy": "copy of a training example",
    # What was measured
    "errors.measured": "{num:,} {num:=mistake|mistakes} among {examples:,} {examples:=example|examples} ({split}): "
    "{error:.2%} ({low:.2%} – {high:.2%}).",
    "errors.parts": "Eyeball set: {eyeball_num:,} {eyeball_num:=mistake|mistakes} among {eyeball_examples:,} "
    "({eyeball_error:.2%}), shown. Blackbox set: {blackbox_num:,} {blackbox_num:=mistake|mistakes} among "
    "{blackbox_examples:,} ({blackbox_error:.2%}), measured and never shown.",
    "errors.copies": (
        "{count} example is a copy of a training example ({mistakes:,} of them answered wrongly): it makes the error "
        "look smaller than it is.",
        "{count:,} examples are copies of training examples ({mistakes:,} of them answered wrongly): they make the "
        "error look smaller than it is.",
    ),
    "errors.shared": (
        "{count} example of {second} is a copy of one of {first}.",
        "{count:,} examples of {second} are copies of examples of {first}.",
    ),
    "errors.time_leak": "{between:.0%} of the measured examples lie between training examples by {column}, and have "
    "the answers of their neighbors in time (p = {p:.3f}): of days to come the error will be larger. Give training and "
    "test as files of their own, cut by time.",
    "errors.drift": "The measured examples differ from those of training in: {features} (a classifier tells them apart "
    "with an area under the ROC of {auc:.2f}, p = {p:.3f}).",
    "errors.no_single_feature": "no feature by itself",
    "errors.feature_sharpness": "sharpness",
    "errors.feature_brightness": "brightness",
    "errors.feature_contrast": "contrast",
    "errors.feature_area": "size",
    "errors.feature_aspect": "aspect",
    "errors.feature_words": "number of words",
    "errors.feature_letters": "letters per word",
    "errors.reference_of_its_own": "What is blurry, long or unusual is told beside these examples themselves, since "
    "they are not the data of the training.",
    "errors.corrected": (
        "{count} mistake has a wrong label: without it the error is {corrected:.2%} in place of {error:.2%}.",
        "{count:,} mistakes have wrong labels: without them the error is {corrected:.2%} in place of {error:.2%}.",
    ),
    "errors.column_tag": "Tag",
    "errors.column_mistakes": "Mistakes",
    "errors.column_share": "Share",
    "errors.column_interval": "95 % interval",
    "errors.column_gain": "At most",
    "errors.column_after": "Error then",
    "errors.column_within": "Error within",
    "errors.ceiling_note": "At most: what goes from the error if every mistake with the tag is mended. Tags overlap. "
    "Error within: among all examples with the tag.",
    "errors.more_tags": ("{count} more tag stands in the files.", "{count:,} more tags stand in the files."),
    "errors.wrote": "Wrote {path}",
}
