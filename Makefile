# Everything a person needs: `make demo` runs Paidan, `make test` tests it. Each does all its own set-up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 3
READY := $(VENV)/.ready
PROTOS := $(wildcard proto/paidan/v1/*.proto)
CODE := engine projections adapters server.py tests benchmarks

define protoc
PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=$(1) --grpc_python_out=$(1) \
  --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
endef

.PHONY: demo test check format lint types contracts proto drift schemas settings fuzz crash lock bench bench-scale incidents clean help

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

demo: $(READY) ## start a server, import 100,000 rows, show who got what and why (OPTIONS="--rows 5000")
	$(BIN)/paidan demo $(OPTIONS)

test: $(READY) ## run every test, on a real PostgreSQL and NATS of its own
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: lint types contracts drift test ## all that CI checks

format: $(READY) ## put the code in its form
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lint: $(READY)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

proto: $(READY) ## make the gRPC stubs anew from proto/
	$(call protoc,proto)

drift: $(READY)
	@rm -rf $(VENV)/drift && mkdir -p $(VENV)/drift
	@$(call protoc,$(VENV)/drift)
	@for made in $$(cd $(VENV)/drift && find paidan -name '*_pb2*'); do \
	  cmp -s $(VENV)/drift/$$made proto/$$made || { echo "proto/$$made is not what proto/ makes; run 'make proto'"; exit 1; }; \
	done
	@$(BIN)/python -m adapters.nats_bus.describe --check
	@echo "generated code and schemas are as their sources make them"

fuzz: $(READY) ## hunt for inputs that break an entrance (OPTIONS="--entrance rules --seconds 600")
	$(BIN)/python -m tests.fuzz $(OPTIONS)

crash: $(READY) ## kill processes at random under load, 200 times, and check what clients were told (OPTIONS="--kills 500")
	$(BIN)/python -m tests.crash $(OPTIONS)

settings: $(READY) ## write the example of the configuration file and the page of limits anew
	$(BIN)/python -m tests.operations.example_settings > examples/deploy/paidan.toml
	$(BIN)/python -m tests.overload.limits_page

schemas: $(READY) ## make the JSON Schemas and the AsyncAPI document of the dispatch events anew
	$(BIN)/python -m adapters.nats_bus.describe

bench: $(VENV)/.bench ## measure every goal beside its floor or peer; writes docs/benchmarks.md (OPTIONS="--small")
	$(BIN)/python -m benchmarks $(OPTIONS)

bench-scale: $(VENV)/.bench ## from 10,000 to 1,000,000 open tasks
	$(BIN)/python -m benchmarks.scale $(OPTIONS)

incidents: $(READY) ## live a year of a real service desk through again; writes docs/incidents.md (OPTIONS="--first 1000 --step 60")
	$(BIN)/python -m benchmarks.incidents $(OPTIONS)

$(VENV)/.bench: $(READY) requirements-bench.lock
	$(BIN)/python -m pip install -q --require-hashes -r requirements-bench.lock
	@touch $@

lock: $(READY) ## resolve the dependencies anew
	$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras \
	  --allow-unsafe --no-header -o requirements-build.lock requirements-build.in
	$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras \
	  --allow-unsafe --no-header --extra dev -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras \
	  --allow-unsafe --no-header -o requirements-bench.lock requirements-bench.in

clean:
	rm -rf $(VENV) .paidan .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml requirements.lock requirements-build.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else "Expected Python 3.11 or 3.12, but this is %d.%d; say PYTHON=python3.12" % v)'
	@command -v cc >/dev/null || { echo "Expected a C compiler for durable-rules, but there is none; on Debian: apt-get install -y gcc python3-dev"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r requirements-build.lock
	$(BIN)/python -m pip install -q --require-hashes --no-build-isolation -r requirements.lock
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation --no-index -e .
	@touch $(READY)
