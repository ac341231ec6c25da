"""Whatever README and guide tell a newcomer to type runs as it stands."""

from __future__ import annotations

import functools
import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.conftest import DATA
from tests.stand_ins import take_weights_from_here, write_faces, write_what_is_ones_own
from typer.testing import CliRunner

from derin.cli.main import COMMANDS, GROUPS, app
from derin.models.weights.known import BY_NAME

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "README.tr.md", "docs/guide.md")
# Pages of one subject; what they show to be typed is run beside the tests of their subject.
MORE_PAGES = tuple(
    f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in ("guide.md", "course.md")
)
# On two cores a longer training would cost more than it shows; what the README says of it is tested elsewhere.
QUICK = ["--epochs", "1", "--plan", "plain", "--threads", "1"]


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The arguments of each line ``$ derin …`` of a page, its comment left out."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[2:] for line in lines if line.startswith("$ derin ")]


def shell_commands(page: str) -> list[tuple[list[str], str]]:
    """The arguments of each line ``derin …`` in the shell blocks of a page, and its comment."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("derin ")]
    return [(shlex.split(line, comments=True)[1:], line.partition("#")[2].strip()) for line in lines]


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the pictures of the documentation, as in a clone without runs."""
    shutil.copytree(ROOT / "docs" / "pictures", tmp_path / "docs" / "pictures")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_LANG", "en")
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_python_of_a_page_runs(page: str, newcomer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks(page, "python")
    assert found
    names: dict[str, object] = {}
    for block in found:
        exec(compile(block, page, "exec"), names)  # our own text
    assert (newcomer / "runs" / "digits-1" / "report.html").is_file()
    assert capsys.readouterr().out
    if page == "README.md":
        assert names["answer"].label == "7"  # type: ignore[attr-defined]  # as the picture beside it shows


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_commands_of_a_page_run(page: str, newcomer: Path) -> None:
    found = commands(page)
    assert {arguments[0] for arguments in found} >= {"data", "find-lr", "train", "predict", "eval"}
    for arguments in found:
        extra = QUICK if arguments[0] == "train" and "--epochs" not in arguments else []
        result = CliRunner().invoke(app, [*arguments, *extra])
        assert result.exit_code == 0, f"derin {shlex.join(arguments)}: {result.output}{result.exception}"
    assert (newcomer / "digits.png").is_file()
    assert (newcomer / "rates.png").is_file()


def test_what_a_newcomer_does_not_have_is_said_beside_the_command() -> None:
    from derin.datasets.catalog import NAMED_SETS

    found = [*shell_commands("README.md"), *((arguments, "") for arguments in commands("README.md"))]
    reading = [(arguments, said) for arguments, said in found if arguments[0] in ("train", "data", "find-lr", "embed")]
    assert len(reading) > 8
    for arguments, said in reading:
        source = arguments[2 if arguments[0] == "embed" else 1]
        known = NAMED_SETS.get(source)
        # A set comes with Derin, or is fetched where the command says so.
        comes = known is not None and (not known.places or (bool(known.files) and "--download" in arguments))
        assert comes or (known is None and "your own" in said), shlex.join(arguments)
    for arguments, _ in found:
        for name in arguments:
            if name in BY_NAME:
                assert BY_NAME[name].address is not None, name


@pytest.mark.slow
def test_shell_commands_of_the_readme_run(newcomer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_DATA", str(newcomer / "copies"))
    monkeypatch.setenv("DERIN_CACHE", str(newcomer / "cache"))
    write_what_is_ones_own(newcomer)
    take_weights_from_here(newcomer / "copies", monkeypatch)
    if DATA is not None:
        write_faces(newcomer, newcomer / "copies", DATA)
    for arguments, _ in shell_commands("README.md"):
        if DATA is None and (arguments[0] == "faces" or "people/" in arguments):
            continue  # faces and the networks that find them are among the data
        quick = ["--epochs", "1", "--threads", "1"] if "train" in arguments[:2] else []
        quick += ["--plan", "plain"] if arguments[0] == "train" else []
        result = CliRunner().invoke(app, [*arguments, *quick])
        assert result.exit_code == 0, f"derin {shlex.join(arguments)}: {result.output}{result.exception}"
    assert (newcomer / "pictures.onnx").is_file()
    assert (newcomer / "forecast.png").is_file()


@functools.cache
def help_of(*command: str) -> str:
    return CliRunner().invoke(app, [*command, "--help"], terminal_width=200, env={"COLUMNS": "200"}).output


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_of_a_page_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    spoken = re.findall(r"(?:`|\$ |DERIN_LANG=tr )derin ([a-z][a-z-]*)([^`\n]*)", text)
    assert spoken
    for command, rest in spoken:
        assert command.replace("-", "_") in {*COMMANDS, *GROUPS}, f"derin {command}"
        below = rest.split()[:1] if command in GROUPS and not rest.lstrip().startswith("-") else []
        known = help_of(command, *below)
        for option in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", rest):
            assert option in known, f"derin {command} {option}"


@pytest.mark.parametrize("page", [*PAGES, *MORE_PAGES, "docs/course.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_lead_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    for address in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if address.startswith("http"):
            continue
        path, _, anchor = address.partition("#")
        target = here / path if path else ROOT / page
        assert target.exists(), f"{page}: {address}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page}: {address}"


def test_pictures_are_small_and_all_of_them_are_shown() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").glob("*"))
    shown = "".join((ROOT / page).read_text(encoding="utf-8") for page in (*PAGES, *MORE_PAGES, "docs/course.md"))
    for picture in pictures:
        assert f"pictures/{picture.name}" in shown, f"{picture.name} is on no page"
        assert picture.stat().st_size < 200_000
        with Image.open(picture) as image:
            image.verify()
    assert sum(picture.stat().st_size for picture in pictures) < 2_500_000


def test_what_the_page_of_tables_shows_runs(newcomer: Path) -> None:
    for arguments in commands("docs/tables.md"):
        result = CliRunner().invoke(app, [*arguments, *(QUICK if arguments[0] == "train" else [])])
        assert result.exit_code == 0, f"derin {shlex.join(arguments)}: {result.output}{result.exception}"
    names: dict[str, object] = {}
    for block in blocks("docs/tables.md", "python"):
        exec(compile(block, "docs/tables.md", "exec"), names)  # our own text
    assert (newcomer / "importance.png").is_file()


def test_python_of_the_page_about_comparing_runs(newcomer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks("docs/comparing.md", "python"):
        exec(compile(block, "docs/comparing.md", "exec"), names)  # our own text
    assert "False 0.018" in capsys.readouterr().out


def test_python_of_the_page_for_engineers_runs(newcomer: Path) -> None:
    names: dict[str, object] = {"__name__": "engineers"}
    for block in blocks("docs/engineers.md", "python"):
        exec(compile(block, "docs/engineers.md", "exec"), names)  # our own text
    assert (newcomer / "runs" / "two" / "report.html").is_file()
