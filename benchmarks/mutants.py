"""How many small wrong changes of the code the tests notice: a seeded sample of mutants, each run against the tests
that enter the changed function.

A mutant is one change of one place: a comparison turned or moved by one, + for −, another number, a condition negated,
a keyword or a call left out, another thing returned. It is *killed* when a test fails and has *lived* when none does.
The checkout stays as it is: mutants are made in copies in a temporary folder. Which test enters which function is
recorded once, kept in `.mutants/`, and renewed for test files that changed.

Left out, since no test should notice them: docstrings, annotations, decorators, text and the sentences of errors,
assertions, the limits in `require_range`, keywords that decide about speed alone, and None in the place of a returned
False.

    python benchmarks/mutants.py                                  # 300 mutants of train, tasks, layers and models
    python benchmarks/mutants.py --number 40 --only models/resnet.py --show
"""

from __future__ import annotations

import argparse
import ast
import builtins
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("train", "tasks", "layers", "models")
MAP = ROOT / ".mutants" / "entered.json"

COMPARISONS = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.Pow: "*"}
TWINS = [("min", "max"), ("any", "all"), ("argmin", "argmax"), ("amin", "amax"), ("clamp_min", "clamp_max")]
TWINS += [("floor", "ceil"), ("sum", "mean"), (".train", ".eval"), ("zeros", "ones"), ("zeros_", "ones_")]
TWIN = {name: other for pair in TWINS for name, other in (pair, pair[::-1])}
# What is written for people: its words and numbers are judged by reading.
TEXT_CALLS = {"translate", "localize", "Message", "warn", "note", "KeyMap"}
TEXT_FUNCTIONS = {"__repr__", "__str__", "extra_repr"}
# They decide about speed, memory or how a class is written, never about an answer.
NEUTRAL_KEYWORDS = {"inplace", "non_blocking", "pin_memory", "memory_format", "stacklevel", "maxsize", "strict", "year"}
NEUTRAL_KEYWORDS |= {"frozen", "kw_only", "slots", "paper", "note", "encoding"}
# Without an accelerator no test can miss a word about the device, and NumPy's numbers are float64 by themselves.
NEUTRAL_WHEN_DROPPED = {"device", "dtype=np.float64"}


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes from `start` to `end` of `file` give way to `text`; `function` is the name it lies in."""

    file: str
    line: int
    start: int
    end: int
    text: str
    was: str
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {' '.join(self.was.split())[:70]}  →  {' '.join(self.text.split())[:70]}"


class Mutations(ast.NodeVisitor):
    """Every mutant of one file, in the order of the file."""

    def __init__(self, file: str, source: bytes) -> None:
        self.file, self.source = file, source
        lines = source.splitlines(keepends=True)
        self.offsets = [0]
        for line in lines:
            self.offsets.append(self.offsets[-1] + len(line))
        self.names: list[str] = []
        self.found: list[Mutant] = []
        self.visit(ast.parse(source))

    def segment(self, node: Any) -> tuple[int, int]:
        start = self.offsets[node.lineno - 1] + node.col_offset
        return start, self.offsets[node.end_lineno - 1] + node.end_col_offset

    def change(self, node: Any, text: str) -> None:
        start, end = self.segment(node)
        was = self.source[start:end].decode()
        function = ".<locals>.".join(self.names).replace(".<locals>.#", ".").removeprefix("#").replace("#", "")
        self.found.append(Mutant(self.file, node.lineno, start, end, text, was, function))

    def rewritten(self, node: Any, **fields: Any) -> None:
        self.change(node, f"({ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), **fields}))})")

    # Names as Python itself qualifies them: "#" marks what stands in a class and not within a function.
    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within(node.name, node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in TEXT_FUNCTIONS:
            return
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        self._within(node.name, [*defaults, *node.body], function=True)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._within("<lambda>", [ast.Expr(node.body)], function=True)

    def _within(self, name: str, body: Sequence[ast.AST], *, function: bool = False) -> None:
        outer = self.names
        inside = f"{outer[-1]}.{name}" if outer and outer[-1].startswith("#") else name
        kept = outer[:-1] if outer and outer[-1].startswith("#") else outer
        self.names = [*kept, inside.removeprefix("#") if function else "#" + inside.removeprefix("#")]
        for statement in body:
            self.visit(statement)
        self.names = outer

    def visit_Raise(self, node: ast.Raise) -> None:
        pass

    visit_Assert = visit_JoinedStr = visit_Import = visit_ImportFrom = visit_Raise  # type: ignore[assignment]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        left = ast.unparse(node.left)
        if len(node.ops) == 1 and "TYPE_CHECKING" not in left:
            for symbol in COMPARISONS[type(node.ops[0])]:
                self.change(node, f"({left} {symbol} {ast.unparse(node.comparators[0])})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        symbol = OPERATORS.get(type(node.op))
        if symbol and not any(_is_text(side) for side in (node.left, node.right)):
            self.change(node, f"(({ast.unparse(node.left)}) {symbol} ({ast.unparse(node.right)}))")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if not _is_text(node.value):
            self.change(node, "pass")
            if type(node.op) in OPERATORS:
                self.change(node, f"{ast.unparse(node.target)} {OPERATORS[type(node.op)]}= {ast.unparse(node.value)}")
        self.visit(node.value)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.rewritten(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self.change(node, f"({ast.unparse(node.operand)})")
        if not (isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.change(node, str(not node.value))
        elif isinstance(node.value, int):
            self.change(node, str(node.value + 1))
        elif isinstance(node.value, float):
            self.change(node, repr(node.value * 1.5 if node.value else 1.0))

    def visit_If(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if not isinstance(node.test, ast.Compare | ast.UnaryOp):  # those are turned round where they stand
            self.change(node.test, f"(not ({ast.unparse(node.test)}))")
        self.generic_visit(node)

    visit_While = visit_IfExp = visit_If  # type: ignore[assignment]

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            # None says no as False does; that True would be noticed is asked all the same.
            if not _is_text(node.value) and not (isinstance(node.value, ast.Constant) and node.value.value is False):
                self.change(node.value, "None")
            self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        is_statement = hasattr(node, "lineno")  # and not what a lambda gives
        if is_statement and isinstance(node.value, ast.Call) and not ast.unparse(node.value).startswith("super()"):
            self.change(node, "pass")
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in TEXT_CALLS or name == "require_range" or ast.unparse(node.func).startswith("axes."):
            return
        method = isinstance(node.func, ast.Attribute)
        twin = TWIN.get(name) or (TWIN.get(f".{name}", "")[1:] if method else "")
        if twin == "mean" and not method:  # Python knows a sum and no mean: every test would notice
            twin = ""
        if twin:
            of = f"({ast.unparse(node.func.value)})." if isinstance(node.func, ast.Attribute) else ""
            self.change(node.func, of + twin)
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg in NEUTRAL_KEYWORDS:
                continue
            dropped = {keyword.arg, f"{keyword.arg}={ast.unparse(keyword.value)}"}
            if keyword.arg is not None and not _is_text(keyword.value) and not dropped & NEUTRAL_WHEN_DROPPED:
                self.rewritten(node, keywords=[k for k in node.keywords if k is not keyword])
            self.visit(keyword.value)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def all_mutants(only: list[str]) -> list[Mutant]:
    mutants = []
    for room in ROOMS:
        for path in sorted((ROOT / "src" / "derin" / room).rglob("*.py")):
            file = path.relative_to(ROOT / "src" / "derin").as_posix()
            if not only or any(file.startswith(part) for part in only):
                mutants += Mutations(file, path.read_bytes()).found
    return mutants


class Recorder:
    """A plugin of pytest: which functions of the package each test enters, and its seconds.

    Functions say so themselves: their modules are compiled with one more statement in each function, which costs a
    tenth of what a trace of all calls would. The files stay as they are.
    """

    def __init__(self, package: Path) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self.failed: set[str] = set()
        self.entered: set[str] = set()
        builtins.__entered__ = self.entered  # type: ignore[attr-defined]
        sys.meta_path.insert(0, TellingFinder(package))

    def pytest_runtest_protocol(self, item: Any) -> None:
        self.entered.clear()
        self.start = time.perf_counter()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        seconds = round(time.perf_counter() - self.start, 3)
        self.tests[nodeid] = {"seconds": seconds, "entered": sorted(self.entered), "passed": nodeid not in self.failed}

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid)


class TellingFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of the rooms that are mutated and has them compiled by a `TellingLoader`."""

    def __init__(self, package: Path) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if not fullname.startswith(tuple(f"derin.{room}" for room in ROOMS)):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = TellingLoader(spec.loader.name, spec.loader.path)
            spec.loader.package = self.package
        return spec


class TellingLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module so that each of its functions, when entered, writes down its name."""

    package: Path

    def get_code(self, fullname: str) -> Any:  # what is compiled already tells nothing
        return self.source_to_code(self.get_data(self.path), self.path)

    def source_to_code(self, data: Any, path: Any, **options: Any) -> Any:
        file = Path(path).relative_to(self.package).as_posix()
        tree = ast.fix_missing_locations(Telling(file).visit(ast.parse(data)))
        return compile(tree, path, "exec", dont_inherit=True)


class Telling(ast.NodeTransformer):
    """Puts the statement that tells a function's name before its first."""

    def __init__(self, file: str) -> None:
        self.file, self.prefix = file, ""

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self._inside(node, f"{self.prefix}{node.name}.")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        name = self.prefix + node.name
        self._inside(node, f"{name}.<locals>.")
        has_words = ast.get_docstring(node, clean=False) is not None  # they stay first
        node.body.insert(int(has_words), ast.Expr(self._telling(name)))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        name = f"{self.prefix}<lambda>"
        self._inside(node, f"{name}.<locals>.")
        both = ast.Tuple([self._telling(name), node.body], ast.Load())
        node.body = ast.Subscript(both, ast.Constant(1), ast.Load())
        return node

    def _inside(self, node: ast.AST, prefix: str) -> ast.AST:
        outer, self.prefix = self.prefix, prefix
        self.generic_visit(node)
        self.prefix = outer
        return node

    def _telling(self, name: str) -> ast.expr:
        return ast.parse(f"__entered__.add({f'{self.file}::{name}'!r})", mode="eval").body


class Workplace:
    """A copy of the sources and tests, in which one mutant at a time lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("src", "tests", "docs", "benchmarks"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy2(path, folder / path.name)

    def run(
        self, arguments: list[str], recorders: list[type[Recorder]], out: Path, mutant: Mutant | None = None
    ) -> int:
        """Starts pytest in a process of its own and gives its number."""
        path = None
        if mutant is not None:
            path = self.folder / "src" / "derin" / mutant.file
            self.whole = source = path.read_bytes()
            path.write_bytes(source[: mutant.start] + mutant.text.encode() + source[mutant.end :])
            for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
                cached.unlink()
        process = os.fork()
        if process:
            return process
        os.setsid()
        with out.open("wb") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        os.chdir(self.folder)
        os.environ["PYTHONPATH"] = str(self.folder / "src")
        sys.path.insert(0, str(self.folder / "src"))
        if mutant is not None:  # a compiled mutant would outlive it
            sys.dont_write_bytecode = True
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        import pytest

        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        fixed = ["-p", "no:cacheprovider", "--basetemp", str(self.folder / "tmp"), "--tb=line", "--rootdir", "."]
        code = 3
        try:
            plugins = [recorder(self.folder / "src" / "derin") for recorder in recorders]
            code = int(pytest.main([*fixed, *arguments], plugins=plugins))
            for plugin in plugins:
                out.with_suffix(".json").write_text(json.dumps(plugin.tests))
        finally:
            sys.stdout.flush()
            os._exit(code)

    def restore(self, mutant: Mutant) -> None:
        (self.folder / "src" / "derin" / mutant.file).write_bytes(self.whole)


def wait(process: int, seconds: float) -> int | None:
    """The exit status of a process, or None where it had to be ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def record(workplaces: list[Workplace], tests: list[str]) -> dict[str, Any]:
    """The map from test files to their tests and what these enter; test files that did not change keep their entry."""
    known: dict[str, Any] = json.loads(MAP.read_text()) if MAP.exists() else {}
    copy = workplaces[0].folder  # what is written in the checkout meanwhile belongs to the next time
    files = sorted(
        path.relative_to(copy)
        for part in tests
        for path in ([copy / part] if (copy / part).is_file() else (copy / part).rglob("test_*.py"))
    )
    digests = {path.as_posix(): hashlib.sha256((copy / path).read_bytes()).hexdigest() for path in files}
    missing = [name for name, digest in digests.items() if known.get(name, {}).get("sha256") != digest]
    lock, waiting = threading.Lock(), iter(enumerate(missing, start=1))

    def work(workplace: Workplace) -> None:
        out = workplace.folder / "record.txt"
        while True:
            with lock:
                number, name = next(waiting, (0, ""))
            if not name:
                return
            print(f"\rrecording {number}/{len(missing)} {name:<60}", end="", file=sys.stderr, flush=True)
            out.with_suffix(".json").unlink(missing_ok=True)
            wait(workplace.run([name], [Recorder], out), 1800)
            found = json.loads(out.with_suffix(".json").read_text()) if out.with_suffix(".json").exists() else {}
            with lock:
                known[name] = {"sha256": digests[name], "tests": {k: v for k, v in found.items() if v.pop("passed")}}
                MAP.parent.mkdir(exist_ok=True)
                MAP.write_text(json.dumps(known))

    in_turns(work, workplaces)
    print("\r" + " " * 80, end="\r", file=sys.stderr)
    return {test: entry for name in digests for test, entry in known[name]["tests"].items()}


def in_turns(work: Callable[[Workplace], None], workplaces: list[Workplace]) -> None:
    """Has every workplace work in a thread of its own until nothing is left."""
    threads = [threading.Thread(target=work, args=(workplace,)) for workplace in workplaces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def choose(mutant: Mutant, by_function: dict[str, list[str]], seconds: dict[str, float], budget: float) -> list[str]:
    """The tests that enter the function, then those that enter its file, as many as the budget allows.

    What stands outside of functions is read when a module is, before any test: there the tests in the folder of the
    same name have their turn as well. Of each test with several parameters the quickest comes first, so that every
    kind of test has its turn.
    """
    chosen, spent = dict[str, None](), 0.0
    budget *= 1 if mutant.function else 3  # what stands outside of functions belongs to all of them
    folder = [] if mutant.function else [mutant.file.rpartition("/")[0]]
    for name in (f"{mutant.file}::{mutant.function}", mutant.file, *folder):
        turns = Counter[str]()
        turn = {}
        for test in sorted(by_function.get(name, []), key=seconds.__getitem__):
            turn[test] = turns[test.partition("[")[0]]
            turns[test.partition("[")[0]] += 1
        for test in sorted(turn, key=lambda test: (turn[test], seconds[test])):
            if test not in chosen and spent + seconds[test] <= budget:
                chosen[test] = None
                spent += seconds[test]
    return list(chosen)


def class_of(function: str) -> str:
    """The class that a method stands in, whose fields belong to all of its tests; the function itself where none."""
    outer = function.rpartition(".")[0]
    return function if not outer or outer.endswith(("<locals>", ".py::")) or "::" not in outer else outer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--number", type=int, default=300, help="mutants in the sample")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="files or folders under src/derin, such as models/vgg.py")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="test files or folders that may kill")
    parser.add_argument("--budget", type=float, default=30.0, help="recorded seconds of tests for each mutant, at most")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--max-minutes", type=float, default=1e9, help="start no further mutant after this time")
    parser.add_argument("--show", action="store_true", help="name the killed ones and their test too")
    parser.add_argument("--record-only", action="store_true", help="renew the map of tests and stop")
    options = parser.parse_args()

    os.environ.update(OMP_NUM_THREADS="1", CI="1", MPLBACKEND="agg")
    data = ROOT.parent / "shared" / "data"
    if data.is_dir():
        os.environ.setdefault("DERIN_DATA", str(data))
    mutants = all_mutants(options.only)
    sample = random.Random(options.seed).sample(mutants, min(options.number, len(mutants)))
    import pytest  # noqa: F401  what every process needs is read once, before they part
    import sklearn.metrics  # noqa: F401
    import torch  # noqa: F401

    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        run(sample, len(mutants), folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(sample: list[Mutant], total: int, folder: Path, options: argparse.Namespace) -> None:
    workplaces = [Workplace(folder / str(place)) for place in range(options.processes)]
    tests = record(workplaces, options.tests)
    if options.record_only:
        return
    seconds = {test: entry["seconds"] for test, entry in tests.items()}
    by_function: dict[str, list[str]] = defaultdict(list)
    for test, entry in tests.items():
        for function in {*entry["entered"], *map(class_of, entry["entered"])}:
            by_function[function].append(test)
        for file in {function.partition("::")[0] for function in entry["entered"]}:
            by_function[file].append(test)
        by_function[test.partition("::")[0].removeprefix("tests/").rpartition("/")[0]].append(test)
    begin, counts, lived, killers = time.monotonic(), Counter[str](), [], {}
    lock, waiting = threading.Lock(), iter(sample)

    def work(workplace: Workplace) -> None:
        while time.monotonic() - begin < 60 * options.max_minutes:
            with lock:
                mutant = next(waiting, None)
            if mutant is None:
                return
            verdict, by = judge(workplace, mutant, choose(mutant, by_function, seconds, options.budget), seconds)
            with lock:
                counts[verdict] += 1
                if verdict == "killed":
                    killers[mutant] = by
                if verdict in ("lived", "untested"):
                    lived.append(mutant)
                if verdict != "killed" or options.show:
                    print(f"{verdict:9}{mutant}" + (f"   [{by}]" if by else ""), flush=True)

    in_turns(work, workplaces)
    unproven = failing_anyway(workplaces[0], {by for by in killers.values() if by})
    for mutant, by in killers.items():
        if by in unproven:
            counts["killed"] -= 1
            counts["unproven"] += 1
            print(f"unproven {mutant}   [{by} fails without it too]")
    judged = sum(counts.values())
    noticed = counts["killed"] + counts["timeout"]
    print(
        f"\n{judged} of {total} mutants (seed {options.seed}): "
        + ", ".join(f"{n} {name}" for name, n in counts.items())
    )
    if judged:
        print(f"noticed {noticed} of {judged}: {noticed / judged:.1%}, in {(time.monotonic() - begin) / 60:.0f} min")


def judge(workplace: Workplace, mutant: Mutant, tests: list[str], seconds: dict[str, float]) -> tuple[str, str]:
    """Killed, lived, timeout, untested or unproven; and the test that failed."""
    if not tests:
        return "untested", ""
    out = workplace.folder / "out.txt"
    most = 30 + 4 * sum(seconds[test] for test in tests)
    code = wait(workplace.run(["-x", *tests], [], out, mutant), most)
    workplace.restore(mutant)
    if code == 0:
        return "lived", ""
    failed = named_failures(out) if code is not None else []
    if not failed and wait(workplace.run(["-x", *tests], [], out), most) != 0:
        return "unproven", ""  # no test is named that could be tried without the mutant: so all of them were
    return ("timeout" if code is None else "killed"), failed[0] if failed else ""


def named_failures(out: Path) -> list[str]:
    lines = out.read_text(errors="replace").splitlines()
    return [line.split(" - ")[0].split(" ", 1)[1].strip() for line in lines if line.startswith(("FAILED ", "ERROR "))]


def failing_anyway(workplace: Workplace, tests: set[str]) -> set[str]:
    """Of the tests that killed, those that fail without a mutant too."""
    known = sorted(test for test in tests if "::" in test)
    if not known:
        return set()
    out = workplace.folder / "out.txt"
    wait(workplace.run(known, [], out), 1800)
    return set(named_failures(out))


if __name__ == "__main__":
    main()
