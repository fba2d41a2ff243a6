# Every command needs Python 3.10 or newer, pip and make. Make installs everything else into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# `make parser` runs these tests, because they parse responses that come from a socket.
READING_TESTS = $(wildcard $(addprefix tests/test_,check*.py drift.py ensure.py fleet.py \
	fleet_faults.py fleet_planted.py fleet_truth.py kms.py lifecycle*.py replace*.py start.py \
	stop.py wait*.py wire*.py))
# Pyright checks against the first python on the path.
PYRIGHT = PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright
# The pins are for every supported Python and platform, and must not name a package index.
COMPILE = $(VENV)-supply/bin/uv pip compile --universal --python-version 3.10 --upgrade \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet
PIN = $(COMPILE) pyproject.toml --extra all

.SECONDARY: # make would delete the environments, because it takes them for intermediate files
.PHONY: help demo test cover parser fuzz mutate check lint types verify-types package release-check versions lowest pins audit sbom format docs bench bench-fleet clean

help:
	@echo "Daily"
	@echo "  make help          List the commands"
	@echo "  make demo          Run a replication and a recovery on the sandbox"
	@echo "  make test          Run the tests; \`make test ARGS='-k tags'\` runs some"
	@echo "  make format        Format the code and apply the linter's fixes"
	@echo "  make lint          Run ruff and mypy"
	@echo
	@echo "Before a change lands"
	@echo "  make check         Run linters, types, all tests, docs and package"
	@echo "  make types         Run pyright; part of \`make check\`"
	@echo "  make verify-types  Check that the public API is typed; part of \`make check\`"
	@echo "  make docs          Build docs/_build; part of \`make check\`"
	@echo "  make package       Build the package twice and compare; part of \`make check\`"
	@echo "  make cover         Run the tests with coverage; less than 98 % fails"
	@echo "  make parser        Test reading of responses with botocore's parser alone"
	@echo
	@echo "Rarely"
	@echo "  make lowest        Test the lowest dependencies, on Python 3.10"
	@echo "  make versions      Test every Python found, lowest and newest dependencies"
	@echo "  make fuzz          Run the properties of tests/fuzz over many more inputs"
	@echo "  make mutate        Count the changes to the core that tests catch; takes hours"
	@echo "  make bench         Compare with plain boto3; write tables of docs/speed.md"
	@echo "  make bench-fleet   Measure fleets; write the tables of docs/scale.md"
	@echo "  make release-check Check version, changelog, tag, metadata and both archives"
	@echo "  make pins          Renew the pins in requirements"
	@echo "  make audit         Search the pinned packages for known vulnerabilities"
	@echo "  make sbom          Write the packages of all extras to dist/sbom.cdx.json"
	@echo "  make clean         Remove everything that these commands made"

# Some distributions omit ensurepip, so the outer pip installs pip into the environment.
%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --without-pip $*
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --require-hashes --target \
		"$$($@ -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" --requirement requirements/pip.txt

# Each set of tools has a stamp, which make renews when the requirements change.
$(VENV)/demo.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[fleet,sandbox]'
	@touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml requirements/test.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/check.stamp: $(BIN)/python pyproject.toml requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The tools of the supply chain have their own environment, which is not pinned.
$(VENV)-supply/supply.stamp: $(VENV)-supply/bin/python pyproject.toml
	$(VENV)-supply/bin/python -m pip install --quiet --group supply
	@touch $@

$(VENV)-mutate/mutate.stamp: $(VENV)-mutate/bin/python pyproject.toml
	$(VENV)-mutate/bin/python -m pip install --quiet --editable '.[all]' --group mutate
	@touch $@

# Sphinx has its own environment, because the AWS CLI needs another version of docutils.
$(VENV)-docs/docs.stamp: $(VENV)-docs/bin/python pyproject.toml
	$(VENV)-docs/bin/python -m pip install --quiet --editable '.[all]' --group docs
	@touch $@

# The SBOM describes an environment that has the extras and nothing else.
$(VENV)-sbom/sbom.stamp: $(VENV)-sbom/bin/python pyproject.toml
	$(VENV)-sbom/bin/python -m pip install --quiet --editable '.[all]'
	@touch $@

$(VENV)-bench/bench.stamp: $(VENV)-bench/bin/python pyproject.toml
	$(VENV)-bench/bin/python -m pip install --quiet --editable '.[async]'
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

# Each of the first targets uses one core, so two of them run at a time.
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

# This target needs a package index, because it installs both archives into clean environments.
release-check: $(VENV)/check.stamp docs package
	$(BIN)/python -m tests.release $(VENV)/dist
	$(BIN)/python -m pytest -m '' tests/test_package.py tests/test_docs.py

# `make versions ARGS='-s tests-3.12'` runs one session; `.venv/bin/nox --list` lists all of them.
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

# `make bench ARGS='--only "list 100"'` measures only that figure, and writes no page.
bench: $(VENV)-bench/bench.stamp
	$(VENV)-bench/bin/python -m benchmarks $(or $(ARGS),--docs docs/speed.md)

# This target uses the environment of the tests, because that environment has Dask.
bench-fleet: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.fleet $(or $(ARGS),--docs docs/scale.md)

clean:
	rm -rf $(VENV) $(VENV)-docs $(VENV)-bench $(VENV)-mutate $(VENV)-sbom $(VENV)-supply .nox mutants docs/_build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
