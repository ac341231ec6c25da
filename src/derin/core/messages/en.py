"""What Derin says in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Words
    "split.train": "training",
    "split.val": "validation",
    "split.test": "test",
    "task.classification": "classification",
    "task.binary": "binary classification",
    "task.multilabel": "multi-label classification",
    "task.regression": "regression",
    "task.multitask": "several columns at once",
    "task.lm": "language model",
    "task.tagging": "tagging",
    "task.translation": "translation",
    "task.word-vectors": "word vectors",
    "task.glove": "word vectors (GloVe)",
    "task.forecasting": "forecasting",
    "task.segmentation": "segmentation",
    "task.embedding": "comparing (embedding)",
    "task.gan": "making pictures (GAN)",
    "metric.loss": "loss",
    "metric.accuracy": "accuracy",
    "metric.top5_accuracy": "top-5 accuracy",
    "metric.precision": "precision",
    "metric.recall": "recall",
    "metric.f1": "F1",
    "metric.auc": "AUC",
    "metric.eer": "equal error rate (EER)",
    "metric.rank_1": "nearest of one known example per class is right",
    "metric.precision_macro": "precision, mean over classes",
    "metric.recall_macro": "recall, mean over classes",
    "metric.balanced_accuracy": "balanced accuracy",
    "metric.f1_macro": "F1, mean over classes",
    "metric.f1_micro": "F1 over all labels",
    "metric.auc_macro": "AUC, mean over classes",
    "metric.ece": "calibration error",
    "metric.brier": "Brier score",
    "metric.subset_accuracy": "all labels right",
    "metric.hamming_loss": "share of wrong labels",
    "metric.mae": "mean absolute error",
    "metric.mse": "mean squared error",
    "metric.rmse": "root mean squared error",
    "metric.r2": "R²",
    "metric.discriminator_loss": "discriminator's loss",
    "metric.generator_loss": "generator's loss",
    "metric.discriminator_accuracy": "discriminator right",
    "metric.accuracy_on_real": "discriminator right on real pictures",
    "metric.accuracy_on_made": "discriminator right on made pictures",
    "class.name": "class",
    "class.support": "examples",
    "class.pixels": "pixels",
    "unit.seconds": "{seconds:.1f} s",
    "unit.minutes": "{minutes} min {seconds} s",
    "unit.hours": "{hours} h {minutes} min",
    "list.more": ("… and {count:,} more", "… and {count:,} more"),
    "epochs.count": ("{count:,} epoch", "{count:,} epochs"),
    "examples.count": ("{count:,} example", "{count:,} examples"),
    "parameters.count": ("{count:,} parameter", "{count:,} parameters"),
    "value.none": "none",
    "value.missing": "–",
    # A run, in the terminal
    "run.plan": "Plan: {plan}.",
    "run.resumed": "Resumed at epoch {epoch}, step {step:,}.",
    "run.nothing_saved": "Nothing was saved in {run} yet, so training starts afresh.",
    "run.finished_before": "The run {run} is finished; this is its result.",
    "run.saved": "Saved in {run}.",
    "run.interrupted": "Stopped after step {step:,} and saved. Go on with: {command}",
    "run.stopping": "Stopping: the step at hand is finished and saved. A second time stops at once.",
    "run.kept": "What was saved last is kept. Go on with: {command}",
    "run.nothing_kept": "Nothing was saved yet.",
    "stop.at_once": "Stopped at once.",
    "run.out_of_time": "Stopped after {seconds:.1f} s of training: the {given:g} s given are for the whole command.",
    "progress.epoch": "epoch {epoch}/{epochs}",
    "progress.loss": "loss {value:.4f}",
    "progress.running": "{metric} {value:.4f}",
    "progress.train": "train {metric} {value:.4f}",
    "progress.val": "val {metric} {value:.4f}",
    "progress.unmeasured": "{metric} not measurable",
    "progress.seconds": "{seconds:.1f} s",
    "progress.best": "best",
    "progress.speed": "{speed:,.0f} examples/s",
    "fit.stream_damaged": "Of the stream {count:,} {count:=row was|rows were} left out and "
    "{count:=is|are} named in run.json; the first: {name} ({reason}).",
    "fit.measured_in_part": "Time allows {num:,} of the {whole:,} {split} examples to be measured; they were drawn by "
    "the seed.",
    "fit.findings_follow": "The network is now compared with simpler methods, which may pass the {seconds:g} s given.",
    "fit.no_time_for_findings": "The {seconds:g} s given are over: the network was not compared with simpler methods. "
    "Give more time (--max-seconds) for that.",
    "prepare.enlarged": "{model} takes pictures of at least {smallest} {smallest:=pixel|pixels}; these have {own} "
    "and are "
    "enlarged to {native}, its paper's size.",
    "run.result": "{metric} on {split}: {value}",
    "run.report": "Report: {address}",
    # Fine-tuning
    "finetune.starts": "Going on from {weights}: {how}.",
    "finetune.how_head": "the output layer learns from features that are computed once",
    "finetune.how_frozen_head": "the output layer learns, all layers before it stay",
    "finetune.how_full": "all layers learn",
    "finetune.how_freeze": (
        "the first {count:,} layer group stays, the others learn",
        "the first {count:,} layer groups stay, the others learn",
    ),
    "finetune.how_gradual": "layers learn one group after the other, from the output to the input",
    "finetune.chose_head": "{examples} to learn from are few, so that only the output layer learns (--finetune gradual "
    "trains more)",
    "finetune.chose_gradual": "{examples} to learn from are enough to train all layers, the output layer first "
    "(--finetune head is faster)",
    # Report: head
    "report.title": "{model} on {data}",
    "report.contents": "Contents",
    "report.unfinished": "This run is not finished: what follows is the state of the last epoch on record.",
    "report.notice_pictures": "This page embeds pictures of your data. Think of that before you pass it on; "
    "derin report RUN --no-pictures writes it without them.",
    "report.notice_rows": "This page shows rows of your data. Think of that before you pass it on; "
    "derin report RUN --no-pictures writes it without them.",
    "report.without_pictures": "Written without examples of the data.",
    "report.made_by": "Written by Derin {version}. The page is one file and loads nothing from elsewhere.",
    # Report: summary
    "summary.heading": "Result",
    "summary.what": "{model} ({parameters}) was trained on {data} for {task}: {train_examples}, {epochs}, {seconds}.",
    "summary.without_count": "{model} was trained on {data} for {task}.",
    "summary.best": "Kept is the state after epoch {epoch}, which had the best {metric} on validation data.",
    "summary.headline": "{metric} on the {split} split",
    "summary.interval": "95% interval: {low} to {high}",
    "summary.interval_meaning": "Measured on {num:,} {num:=example|examples}: with 95% confidence it lies between "
    "{low} and {high} "
    "on new "
    "examples of the same kind.",
    "summary.measured_once": "The test split was measured once, at the end, and chose nothing.",
    "summary.measured_val": "There is no test split. Validation data chose the best epoch, so this number is a "
    "little too "
    "good.",
    "summary.measured_train": "There is neither a test nor a validation split: this number says how well the network "
    "remembers, not how well it does on new examples.",
    "summary.baseline": "Always answering “{name}” would reach {value}.",
    "summary.errors": ("{count:,} of {num:,} answers is wrong", "{count:,} of {num:,} answers are wrong"),
    "summary.stopped_patience": "Training stopped early, because validation had not improved for {patience} "
    "{patience:=epoch|epochs}.",
    "summary.stopped_time": "Training stopped when its time was over, after {epochs}.",
    "summary.stopped_time_in_part": "Training stopped when its time was over, within epoch {epoch}.",
    "summary.stopped_interrupted": "Training was interrupted after {epochs}; it can be resumed.",
    # Report: learning
    "curves.heading": "How it learned",
    "curves.epoch": "epoch",
    "curves.best": "best epoch: {epoch}",
    "curves.point": "epoch {epoch} · {series}: {value}",
    "curves.losses": "losses in training",
    "curves.shares": "shares in training",
    "curves.rate": "learning rate",
    "curves.running": "while training",
    "curves.running_meaning": "“While training” is the mean loss of the epoch's batches{how}; the other curves are "
    "measured after each epoch.",
    "curves.at_work": ", with {what} at work",
    "curves.with_augmentation": "augmentation",
    "curves.with_dropout": "dropout",
    "curves.with_smoothing": "label smoothing",
    "curves.with_adversarial": "adversarial examples",
    "curves.one_epoch": "There is only one epoch on record, so that there is no curve to draw.",
    "fit.heading": "Over- or under-fitting?",
    "fit.over": "Over-fitting: {what}",
    "fit.rise": "validation loss was lowest at epoch {epoch} ({low:.3g}) and rose to {last:.3g} by epoch "
    "{last_epoch}, while training loss went on falling, from {train_then:.3g} to {train_last:.3g}.",
    "fit.gap": "{metric} is {train} on training data and {val} on validation data. The network knows its "
    "examples better than it knows the task.",
    "fit.loss_gap": "the loss on validation data, {val:.3g}, is {ratio:.1f} times that on training data, {train:.3g}.",
    "fit.harder": "the loss on validation data, {val:.3g}, is {ratio:.1f} times that on training data, {train:.3g}; "
    "but "
    "that period is harder for any forecast: repeating what was last known errs {naive:.1f} times as much there as in "
    "training.",
    "fit.apart_from_test": "{metric} is {val} on validation data, but {test} on the test data, and each lies outside "
    "the "
    "other's interval: the two were not drawn alike, or validation chose too much. Believe the test data, and look at "
    "how the splits were made.",
    "fit.stopped_time": "Even on training data {metric} is only {train}, but training ended when its time was over: "
    "give it more (--max-seconds) before the network is judged.",
    "fit.stopped_interrupted": "Even on training data {metric} is only {train}, but training was interrupted: let it "
    "go "
    "on (--resume) before the network is judged.",
    "fit.remedy_improving": "What helps: more epochs first, as {metric} on validation data was best after the last "
    "one; "
    "then more or more varied data, augmentation, dropout or weight decay.",
    "fit.remedy_improving_numbers": "What helps: more epochs first, as {metric} on validation data was best after the "
    "last one; then more data, dropout or weight decay.",
    "fit.too_short_in_part": "Not even one epoch was whole, which is too short to tell.",
    "fit.remedy_stop": "What helps: more or more varied data, augmentation, dropout or weight decay, a smaller "
    "network, or stopping at epoch {epoch} (--patience).",
    "fit.remedy_stop_numbers": "What helps: more data, dropout or weight decay, a smaller network, or "
    "stopping at epoch {epoch} (--patience).",
    "fit.agree": "No sign of over-fitting: {metric} is {train} on training data and {val} on validation data.",
    "fit.under": "Under-fitting: even on training data {metric} is only {train}, and the loss hardly moved over the "
    "last "
    "epochs ({before:.3g} to {last:.3g}).",
    "fit.remedy_under": "What helps: a larger network, another learning rate (derin find-lr), less regularization, or "
    "inputs that say more.",
    "fit.still_learning": "It was still learning: over the last {epochs} validation loss fell by {share:.0%}. "
    "More epochs will probably help.",
    "fit.still_learning_last": "It was still learning: over the last epoch validation loss fell by {share:.0%}. "
    "More epochs will probably help.",
    "fit.no_validation": "Without a validation split nothing can be said about over-fitting.",
    "fit.too_short": "One epoch is too short to tell.",
    # Report: metrics
    "metrics.heading": "Measurements",
    "metrics.metric": "measurement",
    "metrics.note": "Beneath each number stands its 95% interval, as far as it was computed.",
    "metrics.weakest_classes": "Of {whole:,} classes, the {count:,} with the lowest F1 are listed.",
    "metrics.per_class": "Each class on the {split} split",
    "metrics.per_output": "Each number on the {split} split",
    "metrics.thresholds": "The answer is yes from a probability of {values} on: the best {metric} on validation data.",
    "metrics.calibration": "Probabilities were calibrated on validation data with temperature {temperature:.3g}.",
    "metrics.num_examples": "examples measured",
    # Report: confusion
    "confusion.heading": "Confusion",
    "confusion.note": "Each row is a true class, each column an answer. Blue is right and orange is wrong; the "
    "stronger "
    "the color, the larger the share of the row.",
    "confusion.true": "true",
    "confusion.predicted": "predicted",
    "confusion.cell": (
        "{true} → {predicted}: {count:,} ({share:.1%})",
        "{true} → {predicted}: {count:,} ({share:.1%})",
    ),
    "confusion.top": "Most frequent confusions",
    "confusion.count": "times",
    "confusion.share": "share of the true class",
    "confusion.perfect": "Not one example was confused.",
    "scatter.heading": "Predicted against true",
    "scatter.note": "Every dot is an example of the {split} split ({num:,} shown). On the line the answer is exact.",
    "scatter.residual": "predicted − true",
    "residuals.note": "How often errors of each size occur; a good network's errors gather around zero.",
    "residuals.bin": ("{low} to {high}: {count:,} example", "{low} to {high}: {count:,} examples"),
    # Report: examples
    "examples.heading": "Telling examples",
    "examples.loss": "Largest losses",
    "examples.confident": "Confidently wrong",
    "examples.unsure": "Least sure",
    "examples.loss_note": "Where the network was furthest from the truth. Wrong labels and odd examples turn up here.",
    "examples.confident_note": "Wrong answers given with the highest probability.",
    "examples.also_confident": "They are also the wrong answers given with the highest probability.",
    "examples.unsure_note": "Where two answers were nearly equal.",
    "examples.true": "true",
    "examples.predicted": "predicted",
    "examples.probability": "probability",
    "examples.row": "row {number}",
    "examples.line": "line {number}",
    "examples.name": "example",
    "examples.no_mistakes": "There are no wrong answers to show.",
    # Report: data
    "data.heading": "Data",
    "data.source": "source",
    "data.fingerprint": "fingerprint",
    "data.columns": "Columns",
    "data.column": "column",
    "data.kind": "kind",
    "data.role": "role",
    "data.shape": "shape",
    "data.note": "note",
    "data.counts": "Examples",
    "data.total": "in total",
    "data.findings": "What was noticed while reading",
    "data.skipped": "skipped",
    "data.converted": "converted",
    "data.noted": "noted",
    "data.where": "where",
    "data.outcome": "outcome",
    "data.reason": "reason",
    "data.how_often": "how often",
    "data.no_findings": "Nothing unusual.",
    "data.duplicates": (
        "{count:,} group of examples has equal content.",
        "{count:,} groups of examples have equal content.",
    ),
    "data.leaks": (
        "{count:,} of them lies in more than one split, which makes the measurement look better than it is:",
        "{count:,} of them lie in more than one split, which makes the measurement look better than it is:",
    ),
    "data.in_splits": "in {splits}",
    # derin data
    "data.read_from": ("{count:,} example, read from {source}", "{count:,} examples, read from {source}"),
    "data.notes": "Notes",
    "data.classes": "classes",
    "data.unit": "unit {unit}",
    "data.equal": "Equal examples",
    "data.more_groups": ("{count:,} more group; --all lists it", "{count:,} more groups; --all lists them"),
    "data.sheet": "Pictures: {path}",
    "data.preview": "Preview: {path}",
    "data.reading": "Reading",
    "data.fetching": "Fetching and reading",
    "sets.name": "name",
    "sets.where": "where",
    "sets.what": "what",
    "sets.not_here": "not here",
    "sets.folder": "DERIN_DATA is {folder}.",
    "sets.no_folder": "DERIN_DATA, a folder of local copies, is not set.",
    # Report: network and plan
    "network.heading": "Network",
    "network.layer": "layer",
    "network.kind": "kind",
    "network.output": "output",
    "network.parameters": "parameters",
    "network.multiply_adds": "multiply-adds",
    "network.total": "in total",
    "network.input": "Input: {shape}.",
    "plan.heading": "Plan",
    "plan.chosen": "Each training step was executed as {plan}.",
    "plan.table": "These were timed before the first step, on a copy of the network:",
    "plan.plan": "plan",
    "plan.step": "per step",
    "plan.speed": "speed",
    "plan.loss": "loss",
    "plan.remark": "remark",
    "plan.taken": "taken",
    "plan.dropped": "dropped: {reason}",
    # Looking into a network
    "explain.grad_cam": "Grad-CAM",
    "explain.grad_cam_plus_plus": "Grad-CAM++",
    "explain.integrated_gradients": "Integrated gradients",
    "explain.occlusion": "Occlusion",
    "explain.activations": "Activations",
    "explain.filters": "What excites the units of {layer}",
    "explain.deconvnet": "Deconvnet: what the strongest answers of {layer} are about",
    "explain.of": "{what} · {model}",
    "explain.speaks_for": "for {name}: {value}",
    "explain.scale": "share of the largest value",
    "explain.scale_signed": "speaks against  ·  speaks for",
    "explain.squares": "sums over squares of {side} × {side} pixels",
    "explain.unit": "unit {unit}",
    "explain.climbed": "answer {before} → {after}",
    "explain.activation": "answer {value}",
    "explain.maps": "{layer}: {count:,} {count:=map|maps} of {height} × {width}",
    "explain.most_varied": "({num} that vary most)",
    "explain.gap": "With {steps:,} {steps:=step|steps}, the sum of the attributions of {name} still misses the score "
    "by {gap:.1%}.",
    "explain.importance": "Permutation importance",
    "explain.importance_accuracy": "Fall of the accuracy when a column is shuffled, with its 95% interval",
    "explain.importance_rows": "Rows used: {count:,} ({split}); shuffles of each column: {repeats}.",
    "explain.importance_curves": "Curves: the mean answer when all rows have one value (partial dependence).",
    "explain.importance_individual": "Gray: single rows ({number}).",
    "explain.importance_rmse": "Rise of the root mean squared error when a column is shuffled, with its 95% interval",
    "explain.wrote": "Drawn in {path}.",
    # Examples as a layer sees them
    "embedding.title": "Examples as {model} sees them",
    "embedding.facts": "{method} of {layer} ({units:,} {units:=number|numbers} each): {count:,} "
    "{count:=example|examples} of {data}",
    "embedding.before": "what goes into {layer}",
    "embedding.pca": "PCA",
    "embedding.tsne": "t-SNE",
    "embedding.umap": "UMAP",
    "embedding.search": "name, label or value",
    "embedding.mistakes": "mistakes only",
    "embedding.largest_errors": "the largest errors only",
    "embedding.color": "color",
    "embedding.truth": "truth",
    "embedding.predicted": "answer",
    "embedding.unknown": "unknown",
    "embedding.toggle": "Click: hide or show. Shift-click: this one alone.",
    "embedding.count": "{shown} of {total} shown",
    "embedding.reset": "Whole view",
    "embedding.gestures_2d": "Drag to move, scroll to zoom, click a point to keep its card.",
    "embedding.gestures_3d": "Drag to turn, Shift-drag to move, scroll to zoom, click a point to keep its card.",
    "embedding.wrote": "Open {address}",
    # Adversarial examples
    "adversarial.title": "{method} at ε = {epsilon} · {model}",
    "adversarial.title_targeted": "{method} at ε = {epsilon} towards {target} · {model}",
    "adversarial.change": "change × {factor:.0f}",
    "adversarial.epsilon": "ε, in steps of 1/255",
    "adversarial.measured": "{metric} of {count:,} {count:=example|examples}",
    "adversarial.reached": "taken for {target}",
    "adversarial.line": "ε = {epsilon}: {value}",
    "adversarial.line_reached": "ε = {epsilon}: {value}; taken for {target}: {share:.1%}",
    "adversarial.wrote": "Drawn in {path} and {curve}.",
    # Report: how to reproduce
    "reproduce.heading": "How to reproduce",
    "reproduce.note": "The same seed, plan, thread count and versions on the same kind of device give the same bits.",
    "reproduce.settings": "Settings",
    "reproduce.environment": "Environment",
    "reproduce.setting": "setting",
    "reproduce.value": "value",
    "reproduce.python": "from Python, without a command line",
    "reproduce.augmentation": "augmentation",
    "reproduce.preparation": "preparation",
    "reproduce.started": "started",
    "reproduce.seed": "seed",
    "reproduce.threads": "threads",
    "reproduce.processor": "processor",
    "reproduce.device": "device",
    # Export
    "export.written": "{path} ({size:.1f} MB)",
    "export.input": "input   {name}: {type} {shape}",
    "export.output": "output  {name}: {type} {shape}",
    "export.difference": "largest difference from the network, relative to its largest output: {difference}",
    # A trace
    "trace.wrote": "Written to {path}.",
    "trace.phase.forward": "Forward pass",
    "trace.phase.loss": "Loss",
    "trace.phase.backward": "Backward pass",
    "trace.phase.update": "Update",
    "trace.given": "Given",
    "trace.gradient_of": "∂{loss}/∂ {name}",
    "trace.scalar": "number",
    "trace.many": "{low} … {high}, mean {mean} ({count:,} {count:=number|numbers})",
    "trace.agrees": "Largest difference between the engine and PyTorch: {difference}.",
    "trace.loss": "{loss} = {value}",
    # An expression
    "trace.expr.node": "node",
    "trace.expr.value": "value",
    "trace.expr.result": "result",
    "trace.expr.edge": "edge",
    "trace.expr.flows": "flows back",
    "trace.expr.nudge": "nudged",
    "trace.expr.ratio": "change / nudge",
    # A trace, on its page
    "trace.page.back": "Step back (←)",
    "trace.page.on": "Next step (→)",
    "trace.page.steps": "Steps",
    "trace.page.where": "{step} / {steps} · {phase}",
    "trace.page.phase_forward": "forward pass",
    "trace.page.phase_loss": "loss",
    "trace.page.phase_backward": "backward pass",
    "trace.page.phase_update": "update",
    "trace.page.fold": "Fold modules",
    "trace.page.theme": "Light or dark",
    "trace.page.graph": "The network as a graph of operations",
    "trace.page.value": "Value",
    "trace.page.gradient": "Gradient",
    "trace.page.update": "Update",
    "trace.page.scalar": "number",
    "trace.page.axis": "axis",
    "trace.page.kind_input": "input",
    "trace.page.kind_target": "target",
    "trace.page.kind_parameter": "parameter",
    "trace.page.kind_buffer": "buffer",
    "trace.page.kind_constant": "constant",
    "trace.page.kind_operation": "operation",
    "trace.page.summary": "{count} {count:=number|numbers}: least {low}, mean {mean}, largest {high}",
    "trace.page.difference": "Differs from PyTorch's own number by at most {value}.",
    "trace.page.through": "through",
    "trace.page.given": "Given, not computed.",
    "trace.page.seed": "The loss follows itself one to one: ∂L/∂L = 1.",
    "trace.page.no_terms": "This number is shown without its terms.",
    "trace.page.left_out": "Too large for this page; its numbers are in the .csv.",
    "trace.page.terms": "{count} {count:=term|terms}:",
    "trace.page.all_terms": "Show all {count} {count:=term|terms}",
    "trace.page.outside": "{count} {count:=place|places} of the kernel {count:=lies|lie} on the padding and "
    "{count:=counts|count} as 0.",
    "trace.page.reaches_nothing": "Nothing of the loss reaches this number.",
    "trace.page.copied": "taken over",
    "metric.mean_iou": "mean IoU",
    "metric.iou": "IoU",
    "metric.dice": "Dice",
    "metric.pixel_accuracy": "right pixels",
    "comparing.heading": "Same or different",
    "comparing.pairs": "On {split}, {same:,} pairs of one class and {different:,} of two were compared.",
    "comparing.threshold": "With the threshold {threshold:.3f}, {fmr:.2%} of the different pairs are taken for the "
    "same (wanted: at most {wanted_fmr:.2%}), and {fnmr:.2%} of the same ones for different.",
    "comparing.unsupported": "These are too few pairs to show so small a rate.",
    "comparing.baseline": "The inputs themselves, compared number by number, reach an equal error rate of {eer:.4f}.",
    "comparing.loss": "Among the curves, the running loss is what training minimizes, on pairs that are chosen to be "
    "hard; the loss of a split is 1 − AUC: how often a different pair is nearer than a same one.",
    "comparing.roc": "Same pairs found, by false matches (ROC)",
    "comparing.false_matches": "different pairs taken for the same, %",
    "comparing.distances": "Distances: share of the pairs",
    "comparing.distance": "distance",
    "comparing.same": "same",
    "comparing.different": "different",
    "comparing.farthest": "Same, and farthest from each other",
    "comparing.nearest": "Different, and nearest to each other",
    "segmentation.heading": "Masks",
    "segmentation.baseline": "Naming {name} everywhere, the commonest class of the training pixels, reaches a mean IoU "
    "of {mean_iou:.3f} on {split}, and {pixel_accuracy:.1%} right pixels.",
    "segmentation.worst": "Where the masks agree least",
    "segmentation.drawn": "Drawn by chance",
    "segmentation.legend": "Each picture as the network saw it, its true mask, the predicted one, and in red the "
    "pixels that are wrong; black has no class.",
    "segmentation.picture": "picture",
    "segmentation.true": "truth",
    "segmentation.predicted": "prediction",
    "segmentation.wrong": "wrong",
    "segmentation.written": "mask in {mask}, overlay in {overlay}",
    "tagging.heading": "Spans in sentences",
    "tagging.baseline": "Only looking up the spans of the training sentences reaches F1 {f1:.1%} on {split} (precision "
    "{precision:.1%}, recall {recall:.1%}): what the network has beyond that, it reads from words around and "
    "from spelling.",
    "tagging.kind": "spans",
    "tagging.num": "in the truth",
    "tagging.found": "found",
    "tagging.seen": "stood in training with this type",
    "tagging.new": "new to the network",
    "tagging.mistakes": "What went wrong",
    "tagging.mistake": "mistake",
    "tagging.times": "times",
    "tagging.type": "right place, wrong type",
    "tagging.ends": "right type, wrong beginning or end",
    "tagging.both": "wrong type and wrong beginning or end",
    "tagging.missed": "missed",
    "tagging.invented": "invented",
    "tagging.examples": "Sentences with the most mistakes, then right ones",
    "tagging.legend": "Green spans are right, orange ones are wrong; where a sentence has a mistake, the truth "
    "stands above the answer.",
    "tagging.truth": "truth",
    "tagging.answer": "answer",
    "tagging.right": "right",
    "metric.perplexity": "perplexity",
    "metric.bits_per_character": "bits per character",
    "language.heading": "Language",
    "language.beside": "Beside a model that counts",
    "language.network": "network, bits per character",
    "language.ngram": "character {order}-gram",
    "language.gain": "gain",
    "language.ngram_note": "The {order}-gram counts which character follows the {order} − 1 before it in the "
    "training text, mixed with shorter contexts (modified Kneser–Ney). Fewer bits are better; a network "
    "of words does not pay for the spelling of words that it does not know.",
    "language.sentences": (
        "{share:.1%} of {count:,} line of the validation text was more probable than the same words shuffled.",
        "{share:.1%} of {count:,} lines of the validation text were more probable than the same words shuffled.",
    ),
    "language.samples": "What it writes (temperature {temperature:.2g})",
    "language.unknown_words": "Words that the model did not see in training are read as <UNK>: {words}.",
    "score.perplexity": "perplexity",
    "score.tokens": "tokens",
    "score.text": "text",
    "metric.token_accuracy": "right tokens",
    "metric.exact_match": "wholly right sentences",
    "translate.empty_lines": ("{count} empty line is not scored.", "{count:,} empty lines are not scored."),
    "translate.scores": "BLEU {bleu:.2f} · chrF {chrf:.2f} · {exact:.1%} wholly right.",
    "translate.attention": "Where it looked: {path}.",
    "translate.written": ("{count:,} translation in {path}.", "{count:,} translations in {path}."),
    "translation.heading": "Translations",
    "translation.measured": "Measured on {count:,} {count:=sentence|sentences} of the {split} split; beam search "
    "keeps {beam}, "
    "lengths are weighed with α = {alpha}.",
    "translation.search": "search",
    "translation.lookup": "the most similar training sentence, looked up",
    "translation.lookup_wins": "Looking up the most similar training sentence translates better (BLEU {lookup:.1f}) "
    "than the network (BLEU {bleu:.1f}): train longer, or give it more pairs.",
    "translation.greedy": "greedy",
    "translation.beam": "beam of {beam}",
    "translation.bleu": "BLEU",
    "translation.chrf": "chrF",
    "translation.exact": "wholly right",
    "translation.by_length": "By length of the source",
    "translation.words": "words",
    "translation.sentences": "sentences",
    "translation.blame": "Whose fault",
    "translation.blame_note": "Where a person's sentence is better than ours, either the network preferred it and "
    "the search missed it, or the network itself preferred the worse one.",
    "translation.fault": "fault",
    "translation.none": "the person's own words",
    "translation.fault_search": "search: a wider beam helps",
    "translation.fault_model": "model: more data or another network helps",
    "translation.share": "share of the wrong ones",
    "translation.advice_search": "{share:.0%} of the mistakes are the search's: try a wider beam (--beam 10).",
    "translation.advice_model": "{share:.0%} of the mistakes are the model's: a wider beam hardly helps; more "
    "pairs, longer training or another network may.",
    "translation.examples": "The farthest from a person's words, then some from all over",
    "translation.source": "source",
    "translation.reference": "a person",
    "translation.said": "the network",
    "translation.alignments": "Where it looked",
    "translation.alignments_note": "Rows are what was said, columns what was read; the darker, the more weight.",
    "translation.cell": "{said} ← {read}: {weight:.2f}",
    "metric.mase": "error against repeating the last season (MASE)",
    "metric.smape": "symmetric percentage error (sMAPE)",
    "forecast.heading": "Forecasts",
    "forecast.network": "the network",
    "forecast.linear": "linear forecast",
    "forecast.yearly_naive": "last year again",
    "forecast.seasonal_naive": "last season again",
    "forecast.naive": "last value again",
    "forecast.forecaster": "forecast by",
    "forecast.mse": "MSE, standardized",
    "forecast.mae": "MAE, standardized",
    "forecast.mase": "MASE",
    "forecast.smape": "sMAPE",
    "forecast.coverage": "inside the interval",
    "forecast.mae_units": "mean error in its unit",
    "forecast.rmse_units": "RMSE in its unit",
    "forecast.variable": "variable",
    "forecast.network_wins": "The network beats every forecast without training; the best of them is: {baseline}. "
    "Its squared error is {share:.1%} smaller.",
    "forecast.baseline_wins": "A baseline wins here: {baseline}. The network's squared error is {ratio:.3g} times "
    "as large.",
    "forecast.alike": "A forecast without training does as well as the network: {baseline}. Their squared errors "
    "differ "
    "by less than half a percent.",
    "forecast.baseline_exact": "A baseline is without error here: {baseline}. The network is not.",
    "forecast.use_it": "It is saved with the run:",
    "forecast.offer_alike": "On the test split a forecast without training did as well as the network: {baseline}. For "
    "its forecast add --baseline {name}.",
    "forecast.offer": "On the test split a baseline was better than the network (its squared error is {ratio:.3g} "
    "times as large): {baseline}. For its forecast add --baseline {name}.",
    "forecast.how": "Measured on {num_windows} {num_windows:=window|windows} of the {split} split, one for each step "
    "at which a whole "
    "horizon begins. Each looks back at {look_back} {look_back:=step|steps} ({frequency} apart) and forecasts "
    "{horizon} at "
    "once; nothing after a window's last step is read. Scales come from the training steps alone.",
    "forecast.intervals": "The intervals were learned from the errors in {num} validation {num:=window|windows}, for "
    "each step "
    "of the horizon and in proportion to how much a window moves, to hold {level:.0%} of the values; "
    "they hold {held:.1%} of those measured here.",
    "forecast.window": "One window",
    "forecast.picture": "The window in the middle of the split, not a chosen one; the forecast begins at "
    "{begins}. The thin line is the best baseline: {baseline}.",
    "forecast.legend_truth": "what was measured",
    "forecast.legend_forecast": "network and its interval",
    "forecast.legend_baseline": "best baseline",
    "forecast.past": "until now",
    "forecast.forecast": "forecast",
    "forecast.interval": "{level:.0%} interval",
    "forecast.left_out": (
        "{count} series has no forecast, since it has fewer than {needed:,} steps: {series}.",
        "{count:,} series have no forecast, since they have fewer than {needed:,} steps: {series}.",
    ),
    "forecast.level_lowered": "The intervals are of {level:.0%}, not of {wanted:.0%}: {num} validation "
    "{num:=window|windows} that "
    "overlap can show no more.",
    "forecast.series": "series",
    "forecast.by_series": "Each series",
    "forecast.written": "The forecast is in {path}.",
    "forecast.more": "More steps, variables or series are in the file that --out writes, and in --json.",
    "text_baseline.heading": "Beside a linear model",
    "text_baseline.about": "A linear model of n-grams takes seconds and is hard to beat on small data. {num} "
    "{num:=setting was|settings were} fitted on the training texts; validation texts chose this one. A network that "
    "is no "
    "better is not worth its time.",
    "text_baseline.network": "this network",
    "text_baseline.linear": "best linear model of n-grams",
    "text_baseline.setting": "setting",
    "text_baseline.difference": "The network's accuracy minus that of the linear model, on the same {num:,} "
    "{num:=text|texts}: {difference:+.3f}; 95% interval {low:+.3f} to {high:+.3f}.",
    "text_baseline.chance": "{first:,} {first:=text is|texts are} right for the network alone and {second:,} for the "
    "linear model "
    "alone: such a difference may be chance (McNemar's test, p = {p_value:.3f}).",
    "text_baseline.network_better": "{first:,} {first:=text is|texts are} right for the network alone and {second:,} "
    "for the "
    "linear model alone: the network is better (McNemar's test, p = {p_value:.3g}).",
    "text_baseline.linear_better": "{first:,} {first:=text is|texts are} right for the network alone and {second:,} "
    "for the linear "
    "model alone: the linear model is better (McNemar's test, p = {p_value:.3g}). Use it, or train on "
    "more texts.",
    "other_methods.heading": "Beside other methods",
    "other_methods.about": "Gradient boosting, a linear model and the nearest neighbors take seconds and are hard to "
    "beat on tables. Each was fitted on {num:,} training {num:=row|rows}, "
    "categories one-hot; val chose its setting.",
    "other_methods.linear": "linear model",
    "other_methods.neighbors": "nearest neighbors",
    "other_methods.boosting": "gradient boosting",
    "other_methods.difference": "network minus method ({split}, 95%)",
    "other_methods.interval": "{difference} ({low} to {high})",
    "other_methods.network_wins": "The network is better than the best of them on val ({name}) on these {num:,} "
    "{num:=example|examples}: the interval of the difference lies on its side.",
    "other_methods.method_wins": "The best of them on val ({name}) is better than the network on these {num:,} "
    "{num:=example|examples}: the interval of the difference lies on its side. Use it, or train on more rows.",
    "other_methods.chance_wins": "On these {num:,} {num:=example|examples} the network and the best of them on val "
    "({name}) cannot be told apart: the interval of their difference holds zero.",
    "other_methods.skipped": "Not tried, since the time was over or there are too many classes: {names}.",
    "word-vectors.heading": "What stands near what",
    "word-vectors.size": "{words:,} {words:=word has|words have} a vector of {dim:,} {dim:=number|numbers}.",
    "word-vectors.neighbors": "Nearest words",
    "word-vectors.cosine": "The number behind a word is the cosine of the angle between the two vectors: 1 where "
    "both point the same way, 0 where they have nothing in common.",
    "word-vectors.word": "word",
    "word-vectors.nearest": "nearest words",
    "word-vectors.map": "A map of frequent words",
    "word-vectors.map_note": "Words that lie close together stand in alike company in the text. Distances between "
    "far places mean little. Touch a dot to read its word.",
    "word-map.title": ("{count:,} word by {method}", "{count:,} words by {method}"),
    "embed.wrote": "{words:,} {words:=word|words} of {dim:,} {dim:=number|numbers} each {words:=was|were} written to "
    "{path}.",
    "embed.space_within": "a space or a line break ends words in the form {form}",
    "embed.skipped": ("{count:,} word was left out: {reason}.", "{count:,} words were left out: {reason}."),
    "embed.group": "questions",
    "embed.right": "right",
    "embed.asked": "asked",
    "embed.accuracy": "share",
    "embed.similarity": "Likeness of words beside what people say ({path}): Pearson {pearson:.4f}, Spearman "
    "{spearman:.4f}; {num:,} of {num_asked:,} {num_asked:=pair|pairs} {num:=is|are} known.",
    "baseline.text": "A linear model of n-grams reaches {theirs} on the same texts, this network {ours}.",
    "baseline.language": "A {order}-gram of characters needs {theirs:.3f} bits per character, this network {ours:.3f}.",
    # Predictions of rows
    "predict.unseen_values": "Values of {column!r} that did not occur in training: {number:,}; its features are "
    "0 for them.",
    "predict.missing_values": "{column!r} is missing in {number:,} {number:=row|rows}, as in no row of the training; "
    "the network reads {number:=it|them} as a mean value or as none of its classes.",
    "predict.rows_unanswered": (
        "{count:,} row has no answer: {reason} ({places}).",
        "{count:,} rows have no answer: {reason} ({places}).",
    ),
    "predict.found": (
        "{count:,} time: {reason} ({places}).",
        "{count:,} times: {reason} ({places}).",
    ),
    "predict.called_as_folder": "{text!r} was read as a text. A folder is called so too; its texts are read "
    "as ./{text}.",
    "predict.unknown_words": (
        "{count:,} of {total:,} words did not occur in training.",
        "{count:,} of {total:,} words did not occur in training.",
    ),
    "predict.no_answer": "no answer: {reason}",
    # A measurement on data
    "eval.trained_on": (
        "{count:,} of the {total:,} measured examples was trained on; on new data the figures are worse. "
        "--split new leaves it out.",
        "{count:,} of the {total:,} measured examples were trained on; on new data the figures are worse. "
        "--split new leaves them out.",
    ),
    "eval.all_trained_on": "The training used every example that was measured: this says nothing of new data.",
    "eval.rows_unknown": "Which of these examples were trained on cannot be told: the model does not hold their "
    "fingerprints.",
    "eval.matched_by_number": "No class has the same name on both sides; they were matched by number: {some}.",
    "eval.unknown_classes": (
        "{count:,} example is of a class that the network does not know, and is not measured: {some}.",
        "{count:,} examples are of classes that the network does not know, and are not measured: {some}.",
    ),
    "eval.lacking_classes": (
        "{count:,} class of the network does not occur in this data: {some}.",
        "{count:,} classes of the network do not occur in this data: {some}.",
    ),
    "eval.data_changed": "The data has changed since the training, so that its test split cannot be found again.",
    "eval.cut_differs": "The data is that of the training, but is cut into other splits today, by another version of "
    "Derin or another seed.",
    "eval.one_shot": "{ways}-way one-shot: {accuracy:.1%} right ({low:.1%} to {high:.1%} over {episodes:,} episodes "
    "drawn from {num_classes:,} classes; guessing reaches {chance:.1%}).",
    "eval.measured": ("{count:,} example ({split})", "{count:,} examples ({split})"),
    "split.all": "all",
    "split.new": "new ones",
    "run.data_not_compared": "The run {run} was started by an earlier version of Derin, so that its data cannot be "
    "compared with that of today.",
    # What a run takes for granted
    "assumed.heading": "What was taken for granted",
    "assumed.data": ("{data}: {count:,} example ({parts}).", "{data}: {count:,} examples ({parts})."),
    "assumed.target": "To predict: {target} – {task}{what}.",
    "assumed.classes": (", {count:,} class", ", {count:,} classes"),
    "assumed.inputs": "{count:=Input|Inputs}: {inputs}.",
    "assumed.no_input": "No input: {column} – {why}.",
    "assumed.finding": "{number} {what}: {why}.",
    "assumed.network": "Network: {model}, {parameters:,} {parameters:=parameter|parameters}, on {device}.",
    "assumed.prefetch": "Examples are decoded beside the step, two batches ahead.",
    "assumed.settings": "Set by default, each can be given: {flags}",
    "assumed.no_augmentation": "Pictures are not changed by chance while training (--augment).",
    # Made pictures
    "gan.heading": "Made pictures",
    "gan.sheet": "What the generator makes of the same noise; below each line its epoch",
    "gan.sheet_note": "Each column begins with the same random numbers, so that a column shows how one picture came "
    "about. None of them is chosen.",
    "gan.ahead": "Which network is ahead?",
    "gan.too_short": "Training was too short to say which of the two networks is ahead.",
    "gan.balanced": "Neither network wins outright: the discriminator is right about {share} of the pictures, half of "
    "which are made.",
    "gan.discriminator_wins": "The discriminator wins outright: it is right about {share} of the pictures, and the "
    "generator's loss is {loss} (0.69 were even), so that it learns little. Lower the discriminator's rate "
    "(--set discriminator.lr=0.5x), or give it dropout (--option dropout=0.3).",
    "gan.generator_wins": "The discriminator is right about only {share} of the pictures, which is little better than "
    "tossing a coin: its answers teach nothing. Unless the pictures are that good, lower the generator's rate "
    "(--set generator.lr=0.5x).",
    "gan.collapsed": "The made pictures are too much alike: they differ from each other by {share} of what real ones "
    "do. Lower both rates (--lr), or make the batches larger.",
    "gan.variety": "The made pictures differ from each other by {share} of what real ones do.",
    "gan.look": "No number here says how good the pictures are: look at them.",
    "gan.wrote": "{count:,} {count:=picture|pictures} in {path}.",
}
