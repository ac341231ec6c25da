# Every target works on a fresh machine with Python 3.11 or newer and make. DERIN_TORCH names what pip installs as PyTorch.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DERIN_TORCH ?= torch
# Compiled files are kept even where the environment says otherwise: each worker of the tests would compile every test anew,
# and each process that a test starts the library.
unexport PYTHONDONTWRITEBYTECODE
# A process for each core, tests of one file in one of them; more than four would want more memory than they save time.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: run test test-slow check postgres postgres-stop bench mutants docs clean
run: $(VENV)/.installed
	$(BIN)/derin train digits

test: $(VENV)/.installed-dev
	$(PYTEST)

test-slow: $(VENV)/.installed-dev node_modules/axe-core
	$(PYTEST) -m slow

# Only tests use it, and those that do are left out where there is no npm. MPL-2.0.
node_modules/axe-core:
	-npm install --no-save --silent axe-core@4.14.1

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST)

# A PostgreSQL with pgvector, from a wheel, for the tests of the gallery that need one; it runs until `make postgres-stop`.
postgres: $(VENV)/.installed-dev
	$(BIN)/python tests/postgres_server.py start

postgres-stop: $(VENV)/.installed-dev
	$(BIN)/python tests/postgres_server.py stop

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/sequence_speed.py

# How many small wrong changes the tests notice; NUMBER, SEED and ONLY choose the sample (see benchmarks/mutants.py).
NUMBER ?= 300
SEED ?= 0
mutants: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/mutants.py --number $(NUMBER) --seed $(SEED) --only $(ONLY)

docs: $(VENV)/.installed-dev
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_explain_pictures.py
	$(BIN)/python docs/make_face_pictures.py
	$(BIN)/python docs/make_lesson_pages.py
	$(BIN)/python docs/make_trace_pictures.py
	$(BIN)/python docs/make_course_sheet.py
	$(BIN)/python docs/make_sequence_pictures.py
	$(BIN)/python docs/make_where_pictures.py

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet $(DERIN_TORCH) --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]" --constraint constraints.txt
	touch $@
