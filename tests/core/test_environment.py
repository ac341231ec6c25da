from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import numpy as np
import torch

from derin.core.environment import differences, environment


def test_the_record_is_json_and_says_what_the_libraries_say_of_themselves() -> None:
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["torch"] == str(torch.__version__)
    assert found["numpy"] == np.__version__
    assert found["python"] == platform.python_version()
    assert found["threads"] == torch.get_num_threads()
    assert 1 <= found["cores"] <= (os.cpu_count() or 1)
    assert found["extras"]["tensorboard"] in (True, False)


def test_bf16_instructions_are_those_that_torch_finds() -> None:
    assert ("avx512_bf16" in environment()["bf16"]) == torch.cpu.get_capabilities().get("avx512_bf16", False)


def test_the_same_machine_has_no_differences() -> None:
    found = environment()
    assert differences(json.loads(json.dumps(found)), environment()) == []


def test_each_difference_that_may_change_bits_is_one_sentence() -> None:
    found = environment()
    other = found | {
        "torch": "1.0",
        "bf16": [],
        "threads": 99,
        "device": "cuda",
        "DERIN_DATA": "/elsewhere",
        "cores": 64,
    }
    sentences = differences(other, found | {"bf16": ["amx_bf16"]})
    assert len(sentences) == 3
    assert f"PyTorch 1.0 and goes on with {torch.__version__}" in sentences[0]
    assert "bf16 instructions none and goes on with amx_bf16" in sentences[1]
    assert "device cuda and goes on with cpu" in sentences[2]
    assert all(sentence.endswith(".") and sentence.count(".  ") == 0 for sentence in sentences)


def test_the_command_prints_one_document_and_nothing_else() -> None:
    program = "import typer; from derin.cli.env import env; typer.run(env)"
    done = subprocess.run([sys.executable, "-c", program, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).keys() == environment().keys()
    assert done.stderr == ""
