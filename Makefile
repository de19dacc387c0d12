# make demo: everything on simulated recordings. make test: the tests. Both set up what they need in .venv first.

PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
TEST_LOGS := logs/tests
DEMO := --configfile demo/config.yaml

.DEFAULT_GOAL := help
.PHONY: help environment demo demo-transition bench-transition test lint format unit workflow-test slurm-test long-test mutants pictures transition-pictures bench bench-gpu config-page architecture-page tables-page unlock clean-demo

help:  ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

environment: $(VENV)/.installed  ## Install the pinned packages into .venv (about 5 GB)

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV): about 5 GB, some minutes"
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: environment  ## Simulate recordings, run the whole workflow on them, write the report
	@echo "Simulating 16 recordings and running the whole workflow on $(CORES) cores"
	$(SNAKEMAKE) $(DEMO)
	$(SNAKEMAKE) $(DEMO) --quiet all --report results/demo/corrected/report.html
	@$(BIN)/cellfate headline results/demo/corrected

demo-transition: environment  ## Phenotype transitions on simulated cells: matrix, regulators, knockouts (about 3 minutes)
	OMP_NUM_THREADS=1 $(SNAKEMAKE) --configfile demo/transition.yaml -- transition
	@$(BIN)/cellfate headline results/demo-transition/transition

bench-transition: environment  ## Phenotype transitions over seeds, ablations and baselines; writes the tables of docs/transition.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/transition.py

test: environment lint unit workflow-test  ## Check style, run the unit tests and the workflow on tiny recordings
	@$(BIN)/python tests/skipped.py $(TEST_LOGS)/ran.txt $(TEST_LOGS)/unit.xml $(TEST_LOGS)/workflow.xml

lint: environment  ## Check style, and that no room imports one above it
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports --no-logo
	$(SNAKEMAKE) $(DEMO) --lint

format: environment  ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

unit: environment
	$(BIN)/python -m pytest tests/unit -m "not whole" -n $(CORES) --junitxml=$(TEST_LOGS)/unit.xml

workflow-test: environment
	@mkdir -p $(TEST_LOGS) && rm -f $(TEST_LOGS)/ran.txt
	CELLFATE_RAN=$(abspath $(TEST_LOGS)/ran.txt) $(BIN)/python -m pytest tests/workflow tests/slurm -m "not whole" -n 3 --dist loadgroup --junitxml=$(TEST_LOGS)/workflow.xml

slurm-test: environment  ## All tests on a real SLURM of one node, also the whole workflow; root installs it where it is missing
	CELLFATE_INSTALL_SLURM=1 $(BIN)/python -m pytest tests/slurm -n 3

long-test: environment  ## The tests that take minutes: the workflow from other places, its rarer outputs, training with two processes
	@mkdir -p $(TEST_LOGS)
	CELLFATE_RAN=$(abspath $(TEST_LOGS)/ran.txt) $(BIN)/python -m pytest tests/unit tests/workflow -m whole -n $(CORES) --junitxml=$(TEST_LOGS)/long.xml
	@$(BIN)/python tests/skipped.py $(TEST_LOGS)/ran.txt $(TEST_LOGS)/long.xml

mutants: environment  ## Change the source in 60 places, one after another: how many changes do the tests notice (most of an hour)
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants/run_mutants.py $(MUTANTS)

pictures: environment  ## Put the demo's figures into the README, and cells of it onto the simulator's page
	@mkdir -p docs/images
	cp results/demo/corrected/figures/figure_3.png results/demo/corrected/figures/figure_6.png docs/images/
	$(BIN)/python -m cellfate.figures.recording.simulated docs/images/simulator_montage.png

transition-pictures: environment  ## Put the figures of make demo-transition into docs/transition.md, in 128 colours
	for name in transition_matrix cells fates regulators knockouts ablation transition_calibration; do \
	  $(BIN)/python -c 'import sys; from PIL import Image; Image.open(sys.argv[1]).convert("RGB").quantize(128, 1).save(sys.argv[2], optimize=True)' \
	    results/demo-transition/transition/figures/$$name.png docs/images/transition_$${name#transition_}.png || exit 1; done

bench: environment  ## Measure each step beside the published way and write docs/benchmarks.md; STEPS="crops" measures one
	$(BIN)/python -m benchmarks.speed $(STEPS)

BENCH_PYTHON ?= $(BIN)/python
GPU_RESULTS ?= benchmarks/speed/gpu

bench-gpu:  ## On a machine with a GPU: measure training and the network's other steps for the page
	PYTHONPATH=src $(BENCH_PYTHON) -m benchmarks.speed --results $(GPU_RESULTS) reading training embedding truncation attention

config-page: environment  ## Write config/README.md, every key in words, from the schema and config.yaml
	$(BIN)/python -m cellfate.planning.config_page

architecture-page:  ## Write the drawing of the layers, the laws and the rooms into docs/architecture.md, from the code
	$(PYTHON) docs/make_architecture.py

tables-page: environment  ## Write docs/tables.md, what every table may hold, from the declarations in the code
	PYTHONPATH=src $(BIN)/python docs/make_tables.py

unlock: environment  ## Release the folder's lock after a hard kill, when no snakemake is running
	$(SNAKEMAKE) $(DEMO) --unlock

clean-demo:  ## Remove the demo's results and simulated recordings
	rm -rf results/demo resources/demo logs/demo
