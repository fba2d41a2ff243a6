# `make demo` and `make test` need Python 3.10+, pip and make; they install the rest into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Tests that read responses from a socket: `make parser` runs them with the parser of botocore.
READING_TESTS = $(addprefix tests/test_,check.py drift.py ensure.py fleet.py kms.py lifecycle.py \
	replace.py replace_failures.py start.py stop.py wait_replicating.py wait_stopped.py \
	wire_errors.py wire_invalid_responses.py wire_logs.py wire_requests.py wire_responses.py)
# Pyright looks for the python on the path.
PYRIGHT = PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright
# For every supported Python and platform, and without a word of where packages come from.
COMPILE = $(VENV)-supply/bin/uv pip compile --universal --python-version 3.10 --upgrade \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet
PIN = $(COMPILE) pyproject.toml --extra cli --extra sandbox

.SECONDARY: # keep the environments, which make takes for intermediate files
.PHONY: help demo test cover parser fuzz mutate check lint types verify-types package versions lowest pins audit sbom format docs bench bench-fleet clean

help:
	@echo "make demo    the main job, end to end, on the embedded sandbox: no AWS account needed"
	@echo "make test    all tests"
	@echo "make cover   the same, and how much of the code they run; too little fails"
	@echo "make parser  the tests that read answers, with botocore's own parser alone"
	@echo "make fuzz    the properties of tests/fuzz over far more inputs, and how many"
	@echo "make mutate  change the core in two thousand ways, and count what the tests would catch"
	@echo "make check   lint, types, all tests, the long ones too, docs, and the built package"
	@echo "make package build it twice, and compare the two and what they hold"
	@echo "make versions  the tests on every Python found, with the lowest and the newest versions"
	@echo "make lowest  the tests of what meets the dependencies, at their lowest versions, on Python 3.10"
	@echo "make pins    renew the pins in requirements"
	@echo "make audit   look for known vulnerabilities in what is pinned"
	@echo "make sbom    write what the package and its extras depend on to dist/sbom.cdx.json"
	@echo "make format  format the code"
	@echo "make docs    build the documentation into docs/_build"
	@echo "make bench   measure against plain boto3, and write docs/speed.md's tables"
	@echo "make bench-fleet  measure fleets, and write docs/scale.md's tables"
	@echo "make clean   remove all that these commands made"

# Without ensurepip, which some distributions leave out; pip comes by way of the outer one.
%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --without-pip $*
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --require-hashes --target \
		"$$($@ -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" --requirement requirements/pip.txt

# One stamp per set of tools, made anew when the requirements change.
$(VENV)/demo.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[sandbox]'
	@touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml requirements/test.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/check.stamp: $(BIN)/python pyproject.toml requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Environments of their own: the tools of the supply chain, and with nothing but what a user has.
$(VENV)-supply/supply.stamp: $(VENV)-supply/bin/python pyproject.toml
	$(VENV)-supply/bin/python -m pip install --quiet --group supply
	@touch $@

$(VENV)-mutate/mutate.stamp: $(VENV)-mutate/bin/python pyproject.toml
	$(VENV)-mutate/bin/python -m pip install --quiet --editable '.[cli,sandbox]' --group mutate
	@touch $@

# An environment of its own: the AWS CLI and Sphinx want different versions of docutils.
$(VENV)-docs/docs.stamp: $(VENV)-docs/bin/python pyproject.toml
	$(VENV)-docs/bin/python -m pip install --quiet --editable '.[cli,sandbox]' --group docs
	@touch $@

# With all that a user may have.
$(VENV)-sbom/sbom.stamp: $(VENV)-sbom/bin/python pyproject.toml
	$(VENV)-sbom/bin/python -m pip install --quiet --editable '.[cli,fleet,sandbox]'
	@touch $@

$(VENV)-bench/bench.stamp: $(VENV)-bench/bin/python pyproject.toml
	$(VENV)-bench/bin/python -m pip install --quiet --editable .
	@touch $@

demo: $(VENV)/demo.stamp
	@$(BIN)/python docs/demo.py

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto $(ARGS)

cover: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto --cov --cov-report=term $(ARGS)

parser: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto --botocore-parser $(READING_TESTS)

fuzz: $(VENV)/test.stamp
	$(BIN)/python -m pytest tests/fuzz -m '' --hypothesis-profile=fuzz -n auto -o faulthandler_timeout=0 $(ARGS)

mutate: $(VENV)-mutate/mutate.stamp
	$(VENV)-mutate/bin/python -m tests.mutation

# What uses one core is done two at a time.
check: $(VENV)/check.stamp $(VENV)-docs/docs.stamp
	$(MAKE) --jobs=2 --output-sync=target --no-print-directory types verify-types lint docs package
	$(BIN)/python -m pytest -n auto -m ''

lint: $(VENV)/check.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

types: $(VENV)/check.stamp
	$(PYRIGHT)

verify-types: $(VENV)/check.stamp
	$(PYRIGHT) --ignoreexternal --verifytypes rds_backup_replication

package: $(VENV)/check.stamp
	$(BIN)/python -m tests.package $(VENV)/dist

# `make versions ARGS='-s tests-3.12'` for one; `.venv/bin/nox --list` tells of all.
versions: $(VENV)/check.stamp
	$(BIN)/nox $(ARGS)

lowest: $(VENV)/check.stamp
	$(BIN)/nox --session lowest $(ARGS)

pins: $(VENV)-supply/supply.stamp
	$(COMPILE) --group pip --output-file requirements/pip.txt
	$(PIN) --group test --output-file requirements/test.txt
	$(PIN) --group check --constraint requirements/test.txt --output-file requirements/dev.txt

audit: $(VENV)-supply/supply.stamp
	$(VENV)-supply/bin/pip-audit --strict --disable-pip --requirement requirements/dev.txt

sbom: $(VENV)-sbom/sbom.stamp $(VENV)-supply/supply.stamp
	@mkdir -p dist
	$(VENV)-supply/bin/cyclonedx-py environment $(VENV)-sbom --pyproject pyproject.toml \
		--output-reproducible --output-file dist/sbom.cdx.json

format: $(VENV)/check.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)-docs/docs.stamp
	$(VENV)-docs/bin/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet docs docs/_build

# `make bench ARGS='--only "list 100"'` measures that alone, and writes no page.
bench: $(VENV)-bench/bench.stamp
	$(VENV)-bench/bin/python -m benchmarks $(or $(ARGS),--docs docs/speed.md)

# In the environment of the tests, which have Dask.
bench-fleet: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.fleet $(or $(ARGS),--docs docs/scale.md)

clean:
	rm -rf $(VENV) $(VENV)-docs $(VENV)-bench $(VENV)-mutate $(VENV)-sbom $(VENV)-supply .nox mutants docs/_build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
