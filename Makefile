# Everything happens in .venv; each target sets up what it needs, once.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Of the spatial benchmarks: a size that takes minutes, not an hour.
SPATIAL ?= --n 128 --limit 20 --triples 200000 --features 200000
# Of the benchmarks of indexing: a cube of 2 GB, and 200,000 chunks in the graph.
CUBES ?= --gigabytes 2 --chunks 100 50 40

# Two processes; what a module shares is made in one of them.
PARALLEL ?= --numprocesses 2 --dist loadgroup

.PHONY: demo test test-fast test-nightly lint bench wheel clean
.DEFAULT_GOAL := demo

demo: .venv/.run-installed  ## the main job, end to end
	$(BIN)/deepcube demo --store build/demo/store

test: .venv/.dev-installed  ## all tests; COVER= what CI sets shows the lines that none of them runs
	$(BIN)/pytest $(PARALLEL) $(COVER)

test-fast: .venv/.dev-installed  ## without browser, servers, demo, the W3C's suites, benchmarks
	$(BIN)/pytest $(PARALLEL) --hypothesis-profile=fast -m "not (slow or server or browser or demo)" \
		--ignore=tests/conformance --ignore=tests/benchmarks

test-nightly: .venv/.dev-installed  ## the random tests with more examples, others in each run
	$(BIN)/pytest $(PARALLEL) --hypothesis-profile=nightly tests/kg

lint: .venv/.dev-installed  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev-installed  ## benchmarks, each beside a peer; SPATIAL="--n 512" for the full size
	$(BIN)/pytest tests/benchmarks --benchmark-enable --benchmark-only
	$(BIN)/python -m tests.benchmarks.run_geographica $(SPATIAL) --output build/benchmarks/spatial.md
	$(BIN)/python -m tests.benchmarks.run_cubes $(CUBES) | tee build/benchmarks/cubes.md
	$(BIN)/python -m tests.benchmarks.run_values --output build/benchmarks/values.md

wheel: .venv/.dev-installed  ## builds the wheel and tests its data files outside the checkout
	rm -rf build/wheel
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(BIN)/python tests/wheel.py build/wheel/*.whl

clean:
	rm -rf .venv build dist

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "DeepCube needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/.run-installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[ml]'
	touch $@

.venv/.dev-installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[ml,dev]'
	touch $@ .venv/.run-installed
