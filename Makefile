# Everything a developer does. Each target makes `.venv` by itself and needs only Python >= 3.11 and make.
# Variables: PYTHON (which Python makes .venv), PORT (make neo4j), ARGS (passed on to the command).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
PORT ?= 7687
ARGS ?=
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q
COMPILE := $(BIN)/uv pip compile pyproject.toml -q --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-header --no-annotate

# What runs the core within the process of the tests, without what compares at random, or changes bytes, for long.
CORE_TESTS := tests/unit tests/cel tests/protection $(filter-out %test_fault.py %test_hostile.py %test_command.py,$(wildcard tests/audit/test_*.py)) \
	$(addprefix tests/provenance/test_,judge.py policy.py law.py service.py) $(filter-out %test_agreement.py,$(wildcard tests/policy/test_*.py)) \
	$(addprefix tests/rights/test_,live.py entitlement.py alias.py memo.py time_known.py rights.py closure.py reach.py gaining.py told_rights.py) \
	$(addprefix tests/service/test_,decide.py keeper.py retire.py hindsight.py hindsight_reach.py late.py warming.py store_values.py) \
	$(addprefix tests/law/test_,law_sequence.py signal.py intent.py trace_replay.py quick.py store_values.py rebuild.py) \
	$(addprefix tests/law/test_snapshot.py::test_,fixed_cases_go_on_the_same bytes_depend_on_content_alone what_is_no_snapshot_is_refused) \
	tests/law/test_fuzz.py::test_the_engine_agrees_with_the_definition tests/cli/test_trace.py $(addprefix tests/explore/test_,way_graph.py explore.py)

# The stamp carries the checksum of what the environment is made from, so a changed lock installs again.
READY := .venv/.ready-$(shell cat requirements/dev.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: help demo tour serve test test-full check format fuzz bench bench-agents bench-peers soak mutants mutation coverage neo4j lock schema policy-docs notebooks rules sbom clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

$(READY):
	@scripts/make_venv "$(PYTHON)"
	@touch $@

demo: $(READY) ## a sample company, five short stories, the risky ones stopped
	@$(BIN)/graphsvc demo $(ARGS)

tour: $(READY) ## the first hour: five stories with the dashboard beside, one approved and one revoked by you
	@$(BIN)/graphsvc tour $(ARGS)

serve: $(READY) ## the service on 127.0.0.1:8080
	@$(BIN)/graphsvc serve $(ARGS)

check: $(READY) ## lint, format, types, links of the documentation, layers
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python -m scripts.check_docs
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

test: check ## check, then every test that is not slow; GRAPHSVC_REQUIRE=neo4j,... makes absence a failure
	@$(PYTEST) -m "not slow" -n 2 --dist loadgroup $(ARGS)

test-full: check ## check, then every test
	@$(PYTEST) $(ARGS)

fuzz: $(READY) ## ten million verdicts against independent definitions; ARGS="--minutes 5", "--resume", "--help"
	@$(BIN)/python -m tests.fuzz $(ARGS)

mutants: $(READY) ## break every rule in the engine once and see that it is noticed; ARGS: words of their names
	@$(BIN)/python -m tests.mutant $(ARGS)

mutation: $(READY) ## change registers, verdicts and snapshots in every small way (two hours); ARGS: globs of names
	@CI=true $(BIN)/mutmut run $(ARGS); $(BIN)/mutmut results

coverage: $(READY) ## what of graphsvc/core no test runs, branch by branch; fails if anything is missing
	@$(BIN)/coverage erase
	@CI=true $(BIN)/coverage run -m pytest -q -n 2 --dist loadgroup -p no:randomly -m "not slow and not neo4j and not browser" $(CORE_TESTS) $(ARGS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

bench: $(READY) ## the figures, as a table and as JSON
	@$(BIN)/python -m benchmarks $(ARGS)

bench-agents: $(READY) ## agents against injected text (AgentDojo), in .venv-bench; ARGS="--suites workspace,travel"
	@test -x .venv-bench/bin/python || $(BIN)/uv venv -q --python $(BIN)/python .venv-bench
	@$(BIN)/uv pip sync -q --python .venv-bench/bin/python --require-hashes requirements/bench.lock
	@.venv-bench/bin/python -m benchmarks agents $(ARGS)

soak: $(READY) ## a cluster under load and faults for half an hour; ARGS="--minutes 5"
	@$(BIN)/python -m tests.soak $(ARGS)

bench-peers: $(READY) ## graphsvc beside OPA, Cerbos and cedarpy on one world; ARGS="--rounds 2 --seconds 3"
	@$(BIN)/python -m benchmarks.peers $(ARGS)

neo4j: $(READY) ## a real local Neo4j Community on 127.0.0.1:7687 (PORT=...), in the foreground
	@$(BIN)/python -m scripts.neo4j_home --port $(PORT) $(ARGS)

format: $(READY) ## rewrite the code in the house format
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

lock: $(READY) ## the locks from pyproject.toml, at the newest versions it allows
	@$(COMPILE) --upgrade --extra server --extra neo4j --extra redis --extra explore --extra mcp --extra otel --extra kubernetes --extra notebooks --group dev -o requirements/dev.lock
	@$(COMPILE) --upgrade --extra server --extra neo4j --extra redis --extra explore --extra mcp --extra otel -o requirements/server.lock
	@$(COMPILE) --upgrade --extra server --extra bench -o requirements/bench.lock

schema: $(READY) ## schema.graphql, openapi.json and docs/api-reference.md from the code
	@$(BIN)/python -m graphsvc.api.schema.build > schema.graphql.new && mv schema.graphql.new schema.graphql
	@$(BIN)/python -m graphsvc.api.openapi > openapi.json.new && mv openapi.json.new openapi.json
	@$(BIN)/python -m scripts.api_reference > api-reference.new && mv api-reference.new docs/api-reference.md

policy-docs: $(READY) ## the JSON Schema of policy files and docs/policy-language.md from the code
	@$(BIN)/python -m graphsvc.core.policy.schema > policy.schema.new && mv policy.schema.new graphsvc/packs/policy.schema.json
	@$(BIN)/python -m scripts.policy_reference > policy-language.new && mv policy-language.new docs/policy-language.md

notebooks: $(READY) ## run notebooks/*.py and write the .ipynb beside them; ARGS: words of their names
	@$(BIN)/python -m scripts.run_notebooks $(ARGS)

sbom: $(READY) ## what is in the service, as CycloneDX, into dist/
	@$(BIN)/python -m scripts.sbom $(ARGS)

rules: $(READY) ## docs/rules.md from the shipped packs
	@$(BIN)/python -m scripts.rules_page > rules.new && mv rules.new docs/rules.md

clean: ## remove everything that was made here, the local Neo4j with its data included
	@rm -rf .venv .venv-bench .neo4j .fuzz mutants .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
