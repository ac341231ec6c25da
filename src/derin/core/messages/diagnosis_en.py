"""What Derin says in English of what is wrong with a system and of what may help."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "diagnosis.heading": "What is wrong, and what to do next",
    "diagnosis.set_reference": "reference",
    "diagnosis.set_train": "training",
    "diagnosis.set_traindev": "training-dev",
    "diagnosis.set_dev": "dev",
    "diagnosis.set_test": "test",
    "diagnosis.of_set": "{count:,} {set}",
    "diagnosis.part_avoidable_bias": "avoidable bias",
    "diagnosis.part_variance": "variance",
    "diagnosis.part_data_mismatch": "data mismatch",
    "diagnosis.part_dev_overfit": "over-fit dev set",
    "diagnosis.is_none": "nothing of weight",
    "diagnosis.is_cannot_tell": "cannot be told",
    "diagnosis.exactly": "exactly known",
    "diagnosis.first": "What may help first: {why} {command}",
    "diagnosis.ladder": "Errors from the reference to test data",
    # The verdict
    "diagnosis.avoidable_bias": "Avoidable bias comes first: on its own training data the error is {more}, {part} "
    "above {less} of the reference. It has not yet learned what it was shown.",
    "diagnosis.avoidable_bias_zero": "Avoidable bias comes first: on its own training data the error is {part}. It "
    "has not yet learned what it was shown.",
    "diagnosis.variance": "Variance comes first: from {less} on training data the error grows to {more} on {set} "
    "data, by {part}. It knows its examples better than it knows the task.",
    "diagnosis.data_mismatch": "Data mismatch comes first: from {less} on held-out examples of the training kind the "
    "error grows to {more} on dev data, by {part}. It was trained on other data than it meets.",
    "diagnosis.dev_overfit": "The dev set is over-fitted: the error is {less} on it and {more} on test data, {part} "
    "more. Too much was chosen by the same dev examples, or the two sets were not drawn alike.",
    "diagnosis.also": "{name} is nearly as large: {part}.",
    "diagnosis.none": "Nothing stands out: the largest part of the error, {name}, is {part}.",
    "diagnosis.cannot_tell": "It cannot be told yet what comes first: the largest part, {name}, is {part}.",
    "diagnosis.more_examples": "About {counts} examples more would tell.",
    "diagnosis.surely": "{name} of at least {low} is there in any case.",
    "diagnosis.with_interval": "{value} ({low} to {high})",
    # What the numbers leave open
    "diagnosis.no_reference": "No reference error is known: avoidable bias is measured against 0. Measure what "
    "people reach (derin label RUN) or give it (--human 0.01), if the task has an error that nobody avoids.",
    "diagnosis.no_reference_unit": "No reference error is known, and nobody can say how much of the training error, "
    "{train}, could be avoided; --human gives what is reached elsewhere.",
    "diagnosis.method_reference": "No reference error is known; avoidable bias is measured against what {method} "
    "reaches on the same examples, {value}.",
    "diagnosis.measured_human": "The reference is {name}: measured by derin label, {num:,} "
    "{num:=example|examples} ({split}), {error} ({low} to {high}).",
    "diagnosis.below_reference": "The training error, {train}, lies below that of the reference, {reference}: what "
    "nobody goes below is not known any more.",
    "diagnosis.otherwise": "Measured against {level} ({value}), it would be: {principal}.",
    "diagnosis.exact": "Of {metric} no interval is known: the numbers are taken as exact.",
    "diagnosis.metric": "Errors are {error}.",
    "diagnosis.error_share": "1 − {metric}",
    "diagnosis.relative_to_naive": "mean squared errors, divided by those of repeating the last value on the same data",
    "diagnosis.given_dev": "The validation data came with the set. Whether it is of the kind of the training data "
    "cannot be told from these numbers.",
    "diagnosis.learning_curve": "Training on fewer examples",
    "diagnosis.twice": "With twice the examples, {size}, the dev error would be about {then} ({low} to {high}) "
    "instead of {now}; the curve goes to {floor}.",
    # What may help: a run
    "remedy.heading": "What to try, most promising first",
    "remedy.more_examples": "About {counts} examples more, measured, would tell what comes first.",
    "remedy.interrupted": "Training was interrupted: let it go on before the network is judged.",
    "remedy.weights": "{count:,} {count:=photograph teaches|photographs teach} a network less than the million that "
    "{weights} has seen; begin with its weights.",
    "remedy.out_of_time": "Training ended after {seconds:g} s, when its time was over; give it more before the "
    "network is judged.",
    "remedy.still_learning": "It was still learning when its {count:,} {count:=epoch|epochs} ended; train longer.",
    "remedy.few_epochs": "{count:,} {count:=epoch|epochs} that you set are few for so many examples; leave the choice "
    "to Derin.",
    "remedy.jumps": "Training loss jumped upwards: a learning rate of {lr:g} is too high; take a tenth.",
    "remedy.jumps_asked": "Training loss jumped upwards: the learning rate of {lr:g} that you set is too high; leave "
    "the choice to Derin.",
    "remedy.flat": "Training loss hardly moved at a learning rate of {lr:g}; look for one at which it falls.",
    "remedy.flat_asked": "Training loss hardly moved at the learning rate of {lr:g} that you set; leave the choice to "
    "Derin.",
    "remedy.options": "You chose options of the network by hand ({options}); try it as it usually is.",
    "remedy.unregularize": "What you set holds the network back ({names}); leave it to Derin.",
    "remedy.larger": "{model} may be too small for what it is shown; {larger} holds more.",
    "remedy.find_rate": "Another learning rate may learn more from the same examples; this tries a hundred rates in "
    "one short run.",
    "remedy.augment": "Nothing changes the training pictures: moved, turned and zoomed ones count as new examples.",
    "remedy.augment_more": "Cover a part of each training picture beside {now}, so that no single detail decides.",
    "remedy.dropout": "More dropout (now {now:g}) keeps the network from relying on single units.",
    "remedy.decay": "More weight decay (now {now:g}) keeps the network smoother.",
    "remedy.other_dev": "Choose by other examples: another seed draws another dev set.",
    "remedy.new_dev": "Choose by other examples: collect a new and larger dev set, and measure on it.",
    "remedy.mismatch": "Look at what the training examples and the dev examples do not have in common.",
    "remedy.train_on_dev": "Train on some of the dev examples too, as only these are of the kind that counts; the "
    "others choose and measure.",
    "remedy.training_dev": "Hold out a part of the training examples: the error on them tells variance from data "
    "mismatch.",
    "remedy.general_mismatch": "Train on some of the dev examples too; the others choose and measure.",
    "remedy.general_differences": "Look at what training and dev examples do not have in common.",
    "remedy.data": "More examples help most against variance; the learning curve says what twice as many would bring.",
    "remedy.general_data": "Get more training examples; the learning curve says what twice as many would bring.",
    # What may help: a system of which only the errors are known
    "remedy.general_larger": "A larger network can learn what a small one cannot.",
    "remedy.general_longer": "Train longer, or with a better optimizer.",
    "remedy.general_rate": "Look for a better learning rate, or another architecture.",
    "remedy.general_weights": "Begin with published weights, where the examples are pictures.",
    "remedy.general_augment": "Change the training examples at random, so that they count as more.",
    "remedy.general_regularize": "Regularize: weight decay, dropout.",
    "remedy.general_dev": "Choose by a larger dev set, or by another one.",
}
