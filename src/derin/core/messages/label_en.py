"""What Derin says in English of the error of people, measured by their own answers."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "label.plan": "{num:,} {num:=example|examples} ({split}), to be answered without a look at the labels. If people "
    "err on {error:.1%}, the 95 % interval will be about {low:.1%} to {high:.1%}; one half as wide takes {half:,} "
    "examples.",
    "label.all": "That is the whole split: no narrower interval is to be had of it.",
    "label.next": "Open the page, answer, save the file, and hand it back: {command}",
    "label.mistakes": "{name}: {num:,} {num:=mistake|mistakes} among {examples:,} {examples:=example|examples}: "
    "{error:.2%} ({low:.2%} – {high:.2%})",
    "label.majority": "the majority",
    "label.agreement": "Agreement of {readers} on {num:,} {num:=example|examples}: κ = {kappa:.2f} "
    "({low:.2f} – {high:.2f})",
    "label.no_kappa": "Agreement of {readers}: all of them gave one and the same answer throughout, which says "
    "nothing.",
    "label.all_readers": "all readers",
    "label.recorded": "Wrote {path}: derin diagnose {run} takes the smallest of these as the human level.",
    "label.by_hand": "For a run on these data: derin diagnose RUN --human {error}",
    # The page
    "label.page_title": "What is this? {data}",
    "label.no_storage": "This browser keeps nothing of this page: save the file of answers before you close it.",
    "label.reader": "Your name",
    "label.question": "Which is it?",
    "label.search": "Type the answer; Enter takes the first",
    "label.back": "Back",
    "label.unknown": "I cannot tell",
    "label.later": "Later",
    "label.export": "Save the answers as CSV",
    "label.clear": "Remove my answers",
    "label.keys": "[←] back · [→] later · [?] cannot tell, which counts as a mistake · letters or digits answer",
    "label.page_count": "{answered} of {total} answered",
    "label.page_place": "{place} of {total}",
    "label.page_clear_question": "Remove all answers of this reader?",
    "label.page_done": "All are answered. Save the file, and hand it back.",
    "label.page_named_first": "Say who is reading first: a name tells one reader's answers from another's.",
}
