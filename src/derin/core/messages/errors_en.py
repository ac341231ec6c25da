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
    "errors.tag_label": "label probably wrong",
    "errors.tag_near_copy": "nearly a training example",
    "errors.tag_copy": "copy of a training example",
    # What was measured
    "errors.measured": "{num:,} {num:=mistake|mistakes} among {examples:,} {examples:=example|examples} ({split}): "
    "{error:.2%} ({low:.2%} – {high:.2%}).",
    "errors.parts": "Eyeball set: {eyeball_num:,} {eyeball_num:=mistake|mistakes} among {eyeball_examples:,} "
    "({eyeball_error:.2%}), shown. Blackbox set: {blackbox_num:,} {blackbox_num:=mistake|mistakes} among "
    "{blackbox_examples:,} ({blackbox_error:.2%}), measured and never shown.",
    "errors.copies": (
        "{count} example is a copy of a training example ({mistakes:,} of them answered wrongly).",
        "{count:,} examples are copies of training examples ({mistakes:,} of them answered wrongly).",
    ),
    "errors.without_copies_smaller": "Without the copies the error is {error:.2%} ({low:.2%} – {high:.2%}) in place of "
    "{with_copies:.2%}: they make it look smaller.",
    "errors.without_copies_larger": "Without the copies the error is {error:.2%} ({low:.2%} – {high:.2%}) in place of "
    "{with_copies:.2%}: the network errs on them more often, so that their labels may be wrong.",
    "errors.without_copies_same": "Without the copies the error is the same, {error:.2%} ({low:.2%} – {high:.2%}).",
    "errors.near_between": (
        "{count} example of {second} is nearly the same as one of {first} ({names}).",
        "{count:,} pairs of examples of {first} and {second} are nearly the same ({names}, …): they make the error "
        "look smaller than it is.",
    ),
    "errors.near_within": (
        "{count} pair of examples of {second} is nearly the same ({names}).",
        "{count:,} pairs of examples of {second} are nearly the same ({names}, …).",
    ),
    "errors.shared": (
        "{count} example of {second} is a copy of one of {first}.",
        "{count:,} examples of {second} are copies of examples of {first}.",
    ),
    "errors.time_leak": "{between:.0%} of the measured examples lie between training examples by {column}, and have "
    "the answers of their neighbors in time (p = {p:.3f}): of days to come the error will be larger. Cut by time: "
    "--time-column {column}.",
    "errors.drift": "The measured examples differ from those of training in: {features} (a classifier tells them apart "
    "with an area under the ROC of {auc:.2f}, p = {p:.3f}).",
    "errors.drift_of_test": "Test differs from validation in: {features} (a classifier tells them apart with an area "
    "under the ROC of {auc:.2f}, p = {p:.3f}): what is chosen on the one need not be best on the other.",
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
    "errors.labels": "Labels that are probably wrong: {num:,} of {examples:,}, by networks that never saw them "
    "({folds} folds, which agree with {accuracy:.1%} of the labels). The most suspicious:",
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
    # The page
    "errors.page_title": "Mistakes of {run}",
    "errors.pictures_cut": (
        "The picture of {count} mistake is left out: the page holds {megabytes} MB of pictures, those of the highest "
        "losses.",
        "The pictures of {count:,} mistakes are left out: the page holds {megabytes} MB of pictures, those of the "
        "highest losses.",
    ),
    "errors.no_storage": "This browser keeps nothing of this page: export your tags before you close it.",
    "errors.page_count": "{shown} of {total}",
    "errors.page_loss": "loss",
    "errors.page_label_wrong": "label wrong?",
    "errors.label_wrong": "label wrong?",
    "errors.page_interval": "95 % interval",
    "errors.page_filter_by": "Show only mistakes with this tag",
    "errors.page_corrected": "Labels found wrong: {wrong}. Without these mistakes the error is {corrected} in place of "
    "{error}.",
    "errors.page_uncorrected": "Error: {error}. Mark wrong labels with w, and it is corrected for them.",
    "errors.page_clear_question": "Remove all tags and marks of your own?",
    "errors.search": "Search names and texts",
    "errors.any_true": "Any label",
    "errors.any_predicted": "Any answer",
    "errors.any_state": "All",
    "errors.state_new": "Not yet tagged",
    "errors.list": "Mistakes, the highest loss first",
    "errors.new_tag": "New tag",
    "errors.add": "Add",
    "errors.keys": "[↑] [↓] move · [1]–[9] tag · [w] label wrong · [n] new tag · [/] search · [Esc] back to the list",
    "errors.ceilings": "What mending each tag could bring at most",
    "errors.export": "Export as CSV",
    "errors.clear": "Remove my tags",
    "errors.wrote": "Wrote {path}",
}
