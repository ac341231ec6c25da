"""No command opens an internet socket, of which C libraries have their own, or leaves a file where nobody looks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from safetensors.torch import save_file

import derin
from derin.apps.faces.gallery import Gallery
from derin.cli.main import app
from derin.models import build

pytestmark = pytest.mark.slow

# Everything that the command line can do, by small inputs in the folder that is worked in: what, and its exit code.
COMMANDS = [
    "train digits --model lenet5 --size 32 --epochs 1 --plan plain --out pictures",
    "export pictures --out network.onnx",
    "eval pictures",
    "errors pictures --out mistakes",
    "train digits --model linear --size 32 --epochs 1 --plan plain --no-report --out linear",
    "compare pictures linear --maximize accuracy --out choice.png",
    "compare-pipelines tones --sizes 24 --epochs 1 --out pipelines.png",
    "diagnose pictures",
    "label pictures --num 5 --out asked",
    "predict pictures seven.png",
    "report pictures",
    "data digits --sheet sheet.png",
    "find-lr iris --steps 20 --out rates.png",
    "models",
    "summary lenet5 --input 1x32x32",
    "lesson convolution-steps --out lesson",
    "course --out course",
    "trace mlp --input 0.1,0.2,0.7 --target 0 --classes 3 --out trace.html",
    "cache",
    "env",
    "weights",
    "weights import published.safetensors --model resnet20 --classes names.txt --out imported"
    " --preprocess size=32,mean=0.4/0.5/0.6,std=0.2/0.3/0.2,rule=resize",
    "style sheet.png sheet.png --network imported --size 120 --steps 2 --out painted.png --strip strip.png",
    "dream sheet.png --network imported --size 120 --steps 1 --octaves 1 --out dream.png",
    "weights fetch nothing",
    "explain grad-cam pictures seven.png --out heat.png",
    "explain integrated-gradients pictures seven.png --out integrated.png",
    "explain occlusion pictures seven.png --out occlusion.png",
    "explain activations pictures seven.png --layer c1 --out activations.png",
    "explain filters pictures --unit 1 --steps 2 --out filters.png",
    "explain deconvnet pictures seven.png --top 1 --out deconvnet.png",
    "explain live pictures --out live.html",
    "explain embeddings pictures digits --method pca --num 20 --out embeddings.html",
    "explain adversarial pictures digits --num 4 --out adversarial.png",
    "train iris --epochs 1 --plan plain --no-report --no-compare --out table",
    "explain importance table --repeats 2 --curves 1 --num 20 --out importance.png",
    "search iris --search lr=0.01:0.1 --trials 2 --epochs 1 --plan plain --out searched",
    "train text.txt --task lm --epochs 1 --plan plain --no-report --out language",
    "generate language --length 5",
    "score language words",
    "train pairs.tsv --task translation --epochs 1 --plan plain --no-report --out translator",
    "translate translator one",
    "train series.csv --task forecasting --horizon 2 --epochs 1 --plan plain --no-report --out series",
    "forecast series --out forecast.png",
    "embed train text.txt --epochs 1 --dim 4 --min-count 1 --out vectors",
    "embed neighbours vectors words",
    "embed analogy vectors words are words",
    "embed evaluate vectors --questions questions.txt",
    "embed map vectors --method pca --num 5 --out map.svg",
    "embed convert vectors vectors.bin",
    "faces find seven.png --finder nothing",
    "faces evaluate pairs.tsv --weights nothing",
    "faces enrol Alan seven.png --weights nothing",
    "faces verify Ada seven.png --weights nothing",
    "faces identify seven.png --weights nothing",
    "faces calibrate pairs.tsv --weights nothing",
    "faces reembed folder --weights nothing",
    "faces cluster . --weights nothing",
    "faces list",
    "faces index",
    "faces export Ada --out ada.json",
    "faces delete Ada",
]
FAILING = (
    "weights fetch nothing",
    "faces find seven.png --finder nothing",
    "faces evaluate pairs.tsv --weights nothing",
    "faces enrol Alan seven.png --weights nothing",
    "faces verify Ada seven.png --weights nothing",
    "faces identify seven.png --weights nothing",
    "faces calibrate pairs.tsv --weights nothing",
    "faces reembed folder --weights nothing",
    "faces cluster . --weights nothing",
)
# What libraries keep of a home, in folders that are meant for it, and which hold no number of the device.
KEPT_AT_HOME = (".cache/matplotlib", ".config/matplotlib", ".cache/fontconfig", ".cache/derin")

DRIVER = """
import json, shlex, sys, time
from typer.testing import CliRunner
from derin.cli.main import app
found = {}
for command in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, shlex.split(command))
    error = result.exception if not isinstance(result.exception, SystemExit) else ""
    found[command] = [result.exit_code, result.output[-300:] + repr(error)]
time.sleep(3)  # what works beside the commands gets its time
print(json.dumps(found))
"""


def names_of_commands() -> set[str]:
    found = {command.name for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found |= {f"{group.name} {command.name}" for command in group.typer_instance.registered_commands}
    return {name for name in found if name}


def test_the_table_knows_every_command() -> None:
    begun = {" ".join(command.split()[:n]) for command in COMMANDS for n in (1, 2)}
    assert names_of_commands() <= begun


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small inputs of each kind."""
    path = tmp_path_factory.mktemp("work")
    Image.fromarray(np.full((8, 8), 90, dtype=np.uint8)).save(path / "seven.png")
    (path / "text.txt").write_text("words are words and some words are few\n" * 60)
    (path / "pairs.tsv").write_text("".join(f"{w} {i}\t{w[::-1]} {i}\n" for i in range(20) for w in ("one", "two")))
    values = np.sin(np.arange(120) / 3)
    (path / "series.csv").write_text("t,v\n" + "".join(f"{i},{v:.4f}\n" for i, v in enumerate(values)))
    (path / "names.txt").write_text("ant\nbee\ncat\n")
    for number in range(60):
        place = path / "tones" / ("low", "high")[number % 2] / f"{number}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        pitch = (400, 1200)[number % 2] + number
        soundfile.write(place, 0.4 * np.sin(2 * np.pi * pitch * np.arange(1000) / 4000), 4000)
    with Gallery.open(path / "faces.db", model="none", dim=4) as gallery:
        gallery.enrol("Ada", np.eye(4, dtype=np.float32)[0])
        rows = np.random.default_rng(0).standard_normal((120, 4))
        gallery.enrol_many((str(n), row / np.linalg.norm(row)) for n, row in enumerate(rows))
    (path / "questions.txt").write_text(": all\nwords are words are\n")
    network = build("resnet20", input_shape=(3, 32, 32), num_outputs=3, seed=1)
    names = {"conv.": "conv1.", "norm.": "bn1.", "output.": "linear."}
    found = {}
    for name, tensor in network.state_dict().items():
        if name.startswith("stage"):
            new = name.replace("stage", "layer", 1).replace(".norm", ".bn").replace(".bn.", ".bn1.")
        else:
            new = next(name.replace(old, theirs) for old, theirs in names.items() if old in name)
        found[new] = tensor.clone()
    save_file(found, path / "published.safetensors")
    return path


def alone(folder: Path, **paths: Path) -> dict[str, str]:
    """An environment with an empty home and an empty folder for temporary files."""
    for path in paths.values():
        path.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "DERIN_DATA", "LD_LIBRARY_PATH") if name in os.environ}
    places = {"HOME": str(paths["home"]), "TMPDIR": str(paths["tmp"]), "OMP_NUM_THREADS": "1"}
    return kept | places | {"PYTHONPATH": str(Path(derin.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}


def usable(*command: str) -> bool:
    return (
        shutil.which(command[0]) is not None and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    )


def test_no_command_opens_an_internet_socket_or_leaves_a_file_elsewhere(folder: Path, tmp_path: Path) -> None:
    watching = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,connect", "-o", str(tmp_path / "trace"))
    if not usable(*watching):
        pytest.skip("strace is not installed, or may not watch processes here")
    # An address that cannot be reached shows as an attempt all the same.
    apart = ("unshare", "-n") if usable("unshare", "-n") else ("unshare", "-rn") if usable("unshare", "-rn") else ()
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    process = subprocess.run(
        [*apart, *watching, sys.executable, "-c", DRIVER, json.dumps(COMMANDS)],
        cwd=folder,
        env=alone(folder, home=home, tmp=temporary),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    found = json.loads(process.stdout.splitlines()[-1])
    failed = {command: told for command, (code, told) in found.items() if (code != 0) != (command in FAILING)}
    assert failed == {}, json.dumps(failed, indent=1)
    trace = (tmp_path / "trace").read_text()
    assert "exited" in trace or "socket(" in trace or trace == "", "strace has watched"
    assert [line for line in trace.splitlines() if "AF_INET" in line or "htons(53)" in line] == []
    assert list(temporary.iterdir()) == []
    left = [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()]
    assert [name for name in left if not name.startswith(KEPT_AT_HOME)] == []


def test_where_the_cache_cannot_be_written_nothing_is_left_either(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    temporary = tmp_path / "tmp"
    code = "import derin, sys; derin.fit('iris', epochs=1, threads=1, report=False, plan='plain', out=sys.argv[1])"
    environment = alone(tmp_path, home=tmp_path / "home", tmp=temporary) | {"DERIN_CACHE": str(tmp_path / "file" / "c")}
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert list(temporary.iterdir()) == []
