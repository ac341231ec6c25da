"""The pages of the course as HTML: a lesson, the contents, the glossary, the playground."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from derin.core.messages import LANGUAGES, language
from derin.explain.page_frame import page_part, whole_page
from derin.explain.trace.mathml import to_mathml
from derin.lessons.course.form import CourseLesson, Given, Line
from derin.lessons.course.glossary import GLOSSARY
from derin.lessons.course.markup import both, with_decimals
from derin.lessons.course.words import AREAS, PLAYGROUND_WORDS, WORDS
from derin.lessons.lesson import Lesson, Text
from derin.version import __version__

if TYPE_CHECKING:
    from derin.explain.live.page import LivePage

SearchEntry = Mapping[str, Any]


def lesson_page(lesson: CourseLesson, titles: Mapping[str, Text], search: Sequence[SearchEntry]) -> str:
    """The page of a lesson.

    Args:
        lesson: what is shown.
        titles: of all lessons that have a page, by name.
        search: of `search_entries`.
    """
    question, exercise = lesson.question, lesson.exercise
    choices = "".join(
        f'<button type="button" data-choice="{place}" aria-pressed="false">{both(choice)}</button>'
        for place, choice in enumerate(question.choices)
    )
    figures = "".join(
        f'<figure class="{figure.kind}"><figcaption id="figure{place}">{both(figure.title)}</figcaption>'
        '<div class="figure"></div></figure>'
        for place, figure in enumerate(lesson.figures)
    )
    body = [
        f'<p class="eyebrow">{both(AREAS[lesson.area])} · {", ".join(lesson.rows)}</p>',
        f"<h1>{both(lesson.title)}</h1>",
        f'<section class="box"><h2>{both(WORDS["goals"])}</h2><ul>{_each(lesson.goals, "li")}</ul></section>',
        f"<section>{_each(lesson.story, 'p')}</section>",
        f'<section id="question" class="box"><h2>{both(WORDS["question"])}</h2>{both(question.text, "p")}'
        f'<div class="choices">{choices}</div>'
        f'<div id="why" hidden><p><strong id="verdict" aria-live="polite"></strong></p>{both(question.why, "p")}</div>'
        f'<button id="reveal" type="button">{both(WORDS["reveal"])}</button></section>',
        f'<p class="wait quiet">{both(WORDS["wait"])}</p>',
        f'<section class="answer"><h2>{both(WORDS["try"])}</h2><ul>{_each(lesson.try_it, "li")}</ul>',
        f'<div class="lab"><div class="figures"><div class="pair">{figures}</div>'
        f'{_controls(lesson)}<div id="givens"></div></div>',
        f'<div><h2>{both(WORDS["numbers"])}</h2><p class="quiet">{both(WORDS["numbers_help"])}</p>'
        '<div id="lines"></div></div></div></section>',
        f'<section><h2>{both(WORDS["formula"])}</h2><div class="formula">{to_mathml(lesson.formula)}</div>'
        f"{_legend(lesson.legend)}</section>",
        f"<section><h2>{both(WORDS['derin'])}</h2>{code_block(lesson.code)}</section>",
        f'<section id="exercise" class="box"><h2>{both(WORDS["exercise"])}</h2>{both(exercise.text, "p")}'
        '<div class="controls"><input id="answer" inputmode="decimal" autocomplete="off" data-label="answer">'
        f'<button id="check" class="main" type="button">{both(WORDS["check"])}</button>'
        f'<button id="hint" type="button">{both(WORDS["hint"])}</button>'
        '<span id="result" aria-live="polite"></span></div>'
        + "".join(f'<div class="hint" hidden>{both(hint, "p")}</div>' for hint in exercise.hints)
        + f'<div id="way" hidden>{both(exercise.way, "p")}</div></section>',
    ]
    if lesson.erratum is not None:
        body.append(f"<section><h2>{both(WORDS['erratum'])}</h2>{both(lesson.erratum, 'p')}</section>")
    links = "".join(f"<li>{_link(f'{name}.html', both(titles[name]))}</li>" for name in lesson.after)
    if links:
        body.append(f"<section><h2>{both(WORDS['after'])}</h2><ul>{links}</ul></section>")
    payload = {
        "name": lesson.name,
        "question": question.right,
        "exercise": {"answer": exercise.answer, "tolerance": exercise.tolerance},
        "figures": [{"kind": figure.kind, "options": _symbols(figure.options)} for figure in lesson.figures],
        "sheet": {
            "givens": [_given(given) for given in lesson.sheet.givens],
            "lines": [_line(line) for line in lesson.sheet.lines],
            "sets": [
                {"title": _spoken(title), "examples": [dict(one) for one in examples]}
                for title, examples in lesson.sheet.sets
            ],
            "starts": [{"title": _spoken(title), "values": dict(values)} for title, values in lesson.sheet.starts],
            "updates": dict(lesson.sheet.updates),
        },
    }
    scripts = ("sheet.js", "drawing.js", "figures.js", "pixels.js", "shapes.js")
    return render(lesson.title, body, search=search, scripts=scripts, data={"lesson": payload})


def contents_page(
    lessons: Sequence[CourseLesson],
    printed: Sequence[Lesson],
    search: Sequence[SearchEntry],
    networks: Mapping[str, LivePage],
) -> str:
    """The first page: the lessons that are pages, trained networks, and the lessons that are printed by a command.

    Args:
        lessons: with a page.
        printed: of `derin.lessons.registry` that have none yet.
        search: of `search_entries`.
        networks: pages on which trained networks run, by their file.
    """
    playground = _card("playground.html", WORDS["playground"], WORDS["playground_about"])
    body = [
        f"<h1>{both(WORDS['course'])}</h1>",
        both(WORDS["welcome"], "p"),
        '<p><progress id="progress" value="0" data-label="progress_label"></progress> ',
        '<span id="progress_text"></span></p>',
        f'<ul class="cards"><li>{playground}</li></ul>',
    ]
    for area, title in AREAS.items():
        ours = [lesson for lesson in lessons if lesson.area == area]
        cards = "".join(
            f'<li data-lesson="{lesson.name}">{_card(f"{lesson.name}.html", lesson.title, lesson.goals[0])}</li>'
            for lesson in ours
        )
        if ours:
            body.append(f'<h2>{area} · {both(title)}</h2><ul class="cards">{cards}</ul>')
    if networks:
        cards = "".join(f"<li>{_network_card(file, network)}</li>" for file, network in networks.items())
        body.append(f"<h2>{both(WORDS['networks'])}</h2>{both(WORDS['networks_about'], 'p')}")
        body.append(f'<ul class="cards">{cards}</ul>')
    rows = "".join(
        f"<tr><td>{', '.join(lesson.rows)}</td><td>{both(lesson.title)}</td>"
        f"<td><code>derin lesson {lesson.name}</code></td></tr>"
        for lesson in printed
    )
    body += [
        f"<h2>{both(WORDS['printed'])}</h2>",
        both(WORDS["printed_about"], "p"),
        f'<div class="scroll"><table>{rows}</table></div>',
    ]
    return render(WORDS["course"], body, search=search)


def playground_page(search: Sequence[SearchEntry]) -> str:
    """Data, a network, its maps, its losses, and every number of a step."""
    word = {name: both(text) for name, text in {**WORDS, **PLAYGROUND_WORDS}.items()}
    pens = "".join(
        f'<button type="button" data-pen="{pen}" aria-pressed="{"true" if pen == "one" else "false"}">'
        f"{word[f'pen_{pen}']}</button>"
        for pen in ("one", "zero", "good", "erase")
    )
    losses = "".join(
        f'<span class="key {color}">{word[name]} <b id="{name}"></b></span>'
        for name, color in (("train_loss", "zero"), ("test_loss", "one"))
    )
    body = [
        f"<h1>{word['playground']}</h1>",
        '<div class="controls"><button id="play" class="main" type="button"></button>'
        f'<button id="one_step" type="button">{word["one_step"]}</button>'
        f'<button id="again" type="button">{word["reset"]}</button>'
        '<input id="speed" type="range" min="1" max="50" value="5" data-label="speed">'
        '<span id="counts" class="quiet"></span></div>',
        '<div class="bench"><div class="chosen"><div class="settings"></div><div class="settings"></div>'
        '<div class="settings"></div></div>',
        f'<div><figure><figcaption id="net_title">{word["net"]}</figcaption>'
        f'<div class="controls">{word["layers"]} '
        '<button id="layer_less" type="button" data-label="layer_less">−</button>'
        '<button id="layer_more" type="button" data-label="layer_more">+</button><span id="units"></span></div>'
        f'<div id="net"></div><p class="quiet">{word["net_help"]}</p></figure>',
        f'<figure><figcaption id="curve_title">{word["curve"]}</figcaption><p class="legend">{losses}</p>'
        '<div id="curve"></div></figure></div>',
        f'<figure><figcaption id="board_title">{word["board"]}</figcaption><div id="board"></div>'
        f'<p class="quiet">{word["board_help"]}</p>'
        f'<div class="controls">{word["pens"]} {pens}</div></figure></div>',
        f'<section class="box"><p><label for="file"><strong>{word["file"]}</strong></label></p>'
        f'<p><input id="file" type="file" accept=".csv,.tsv,.txt"> <span id="file_result" aria-live="polite"></span>'
        f'<p class="quiet">{word["file_help"]}</p></section>',
        f'<h2>{word["step_numbers"]}</h2><p id="step_hint" class="quiet">{word["step_hint"]}</p>'
        '<div id="step_numbers"></div>',
        f"<h2>{word['same']}</h2><p>{word['same_python']}</p>{code_block('', 'python')}"
        f'<p><a id="points" download="points.csv">{word["points"]}</a></p>'
        f"<p>{word['same_command']}</p>{code_block('', 'command')}",
    ]
    scripts = ("random.js", "engine.js", "data.js", "trainer.js", "drawing.js", "playground.js")
    return render(WORDS["playground"], body, search=search, scripts=scripts, words=PLAYGROUND_WORDS)


def glossary_page(search: Sequence[SearchEntry]) -> str:
    """All terms with what they mean, in the order of the glossary."""
    terms = "".join(
        f'<dt id="{entry.name}"><strong>{both(entry.term)}</strong> <span class="quiet">'
        f'<span lang="en">{escape(entry.term.tr)}</span><span lang="tr">{escape(entry.term.en)}</span></span></dt>'
        f"<dd>{both(entry.meaning, 'p')}</dd>"
        for entry in GLOSSARY
    )
    body = [f"<h1>{both(WORDS['glossary'])}</h1>", both(WORDS["glossary_about"], "p"), f"<dl>{terms}</dl>"]
    return render(WORDS["glossary"], body, search=search)


def render(
    title: Text,
    body: Iterable[str],
    *,
    search: Sequence[SearchEntry],
    scripts: Iterable[str] = (),
    data: Mapping[str, Any] | None = None,
    words: Mapping[str, Text] | None = None,
) -> str:
    """A page with the head and the foot that all have.

    Args:
        title: of the window.
        body: HTML.
        search: what is found on all pages.
        scripts: files beside this one that the page needs.
        data: what they read.
        words: what they say beside `WORDS`.
    """
    head = (
        f"<header>{_link('index.html', both(WORDS['course']), 'home')}<nav>"
        f"{_link('playground.html', both(WORDS['playground']))}{_link('glossary.html', both(WORDS['glossary']))}</nav>"
        '<div class="tools"><div class="searching">'
        '<input id="search" type="search" data-label="search" data-hint="search">'
        '<ul id="found" hidden></ul></div>'
        '<button id="language" type="button"></button><button id="theme" type="button" data-label="theme">◐</button>'
        '<button id="large" type="button" data-label="large"></button></div></header>'
    )
    foot = f"<footer>Derin {__version__}</footer>"
    payload = {
        "language": language(),
        "titles": _spoken(title),
        "words": {
            spoken: {key: getattr(word, spoken) for key, word in {**WORDS, **(words or {})}.items()}
            for spoken in LANGUAGES
        },
        "search": list(search),
        **(data or {}),
    }
    shared = ("page_elements.js", "page_numbers.js", "page_tensor.js")
    script = "\n".join([*map(page_part, shared), *(beside(name) for name in scripts), beside("course.js")])
    lines = [head, "<main>", *body, "</main>", foot]
    return whole_page(str(title), lines, style=beside("course.css"), script=script, data=payload)


def search_entries(lessons: Sequence[CourseLesson]) -> list[SearchEntry]:
    """What the search of every page finds: pages and terms."""
    found = [
        _entry("playground.html", WORDS["playground"], [WORDS["playground_about"]]),
        *(
            _entry(f"{one.name}.html", one.title, [*one.goals, *(meaning for _, meaning in one.legend)])
            for one in lessons
        ),
        *(_entry("glossary.html", one.term, [one.meaning], one.name) for one in GLOSSARY),
    ]
    return found


def code_block(code: str, name: str = "") -> str:
    """Lines to copy, under a name where a script fills them."""
    known = f' id="{name}"' if name else ""
    block = f"<pre><code{known}>{escape(code)}</code></pre>"
    return f'<div class="code"><button class="copy" type="button"></button>{block}</div>'


def beside(name: str) -> str:
    """A script or a style of the course."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _entry(page: str, title: Text, texts: Iterable[Text], anchor: str = "") -> SearchEntry:
    told = list(texts)
    return {
        "page": page,
        "anchor": anchor,
        **{
            spoken: {"title": getattr(title, spoken), "text": " ".join(getattr(text, spoken) for text in told)}
            for spoken in LANGUAGES
        },
    }


def _controls(lesson: CourseLesson) -> str:
    """Steps and sets of examples, where the sheet has them."""
    parts = []
    if len(lesson.sheet.sets) > 1:
        parts.append('<select id="set" data-label="examples"></select>')
    if lesson.sheet.starts:
        parts.append('<select id="start" data-label="beginnings"></select>')
    if lesson.sheet.updates:
        parts += [
            '<button id="back" type="button" data-label="back">←</button>',
            f'<button id="step" class="main" type="button">{both(WORDS["step"])}</button>',
            '<button id="run" type="button"></button>',
        ]
    parts.append(f'<button id="reset" type="button">{both(WORDS["reset"])}</button>')
    if lesson.sheet.updates:
        parts.append('<span id="steps" class="quiet"></span>')
    return f'<div class="controls">{"".join(parts)}</div>'


def _legend(legend: Iterable[tuple[str, Text]]) -> str:
    rows = "".join(f"<dt>{to_mathml(symbol, block=False)}</dt><dd>{both(meaning)}</dd>" for symbol, meaning in legend)
    return f'<dl class="legend">{rows}</dl>'


def _given(given: Given) -> dict[str, Any]:
    symbol = to_mathml(given.symbol, block=False)
    return {
        "id": given.id, "symbol": symbol, "label": _spoken(given.meaning), "value": given.value,
        "low": given.low, "high": given.high, "step": given.step,
        "slider": given.slider,
    }  # fmt: skip


def _line(line: Line) -> dict[str, Any]:
    heading = both(line.heading) if line.heading else ""
    return {"id": line.id, "symbol": to_mathml(line.symbol, block=False), "formula": line.formula, "heading": heading}


def _spoken(text: Text) -> dict[str, str]:
    return {spoken: with_decimals(getattr(text, spoken), spoken) for spoken in LANGUAGES}


def _symbols(options: Any) -> Any:
    """Options with every ``symbol`` as MathML, and every text in its languages."""
    if isinstance(options, Text):
        return _spoken(options)
    if isinstance(options, Mapping):
        return {
            key: to_mathml(value, block=False) if key == "symbol" else _symbols(value) for key, value in options.items()
        }
    return [_symbols(one) for one in options] if isinstance(options, (list, tuple)) else options


def _each(texts: Iterable[Text], name: str) -> str:
    return "".join(both(text, name) for text in texts)


def _card(page: str, title: Text, about: Text) -> str:
    return _link(page, f"<b>{both(title)}</b>{both(about)}")


def _network_card(file: str, network: LivePage) -> str:
    given, nodes = WORDS["network_about"], f"{len(network.network.nodes)}"
    about = Text(given.en.format(nodes=nodes), given.tr.format(nodes=nodes))
    return _card(quote(file), Text(network.name, network.name), about)


def _link(page: str, content: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<a{name} href="{page}" data-page="{page}">{content}</a>'
