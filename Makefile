# The commands of the project. `make` alone lists them.
SHELL := bash
# What a target's script reads, given as `make test-load-closed CONCURRENT=50` or in the environment.
export BROKER_URL BROKER_PORT BROKER_NAMESPACE BROKER_SERVICE EVENT_TYPE CONCURRENT DURATION TIME_SCALE ENV OUT
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build all tools for real use (target/release)
	cargo build --release --locked

.PHONY: test
test: ## Run all tests, with a real RabbitMQ that is started and stopped for them
	scripts/test.sh

.PHONY: lint
lint: ## Formatting, lints and docs, as CI checks them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

.PHONY: demo
demo: build ## One minute of load on an embedded target, to a verdict and a report
	scripts/demo.sh

.PHONY: demo-rabbitmq
demo-rabbitmq: build ## The same through a real RabbitMQ
	scripts/demo.sh --rabbitmq

.PHONY: test-load-closed
test-load-closed: build ## A closed loop: BROKER_URL, EVENT_TYPE, CONCURRENT, DURATION
	scripts/closed-loop.sh

.PHONY: test-load-baseline test-load-rampup test-load-spike test-load-sustained test-load-all
test-load-baseline: ## 10 events/s for 5 minutes: BROKER_URL, EVENT_TYPE, DURATION, ENV
test-load-rampup: ## From 10 to 200 events/s and back in 14 minutes
test-load-spike: ## From 100 to 500 events/s and back in 4 minutes
test-load-sustained: ## 100 events/s for 30 minutes, or for DURATION
test-load-all: ## These four after each other, 55 minutes
test-load-baseline test-load-rampup test-load-spike test-load-sustained test-load-all: build
	scripts/load.sh $(@:test-load-%=%)

.PHONY: test-stress test-saturation test-endurance
test-stress: ## Up to 2000 events/s, then the recovery
test-saturation: ## 2000 connections to a broker, held for 5 minutes beside 50 events/s: BROKER_URL=amqp://…
test-endurance: ## 50 events/s for 8 hours
test-stress test-saturation test-endurance: build
	scripts/load.sh $(@:test-%=%)

.PHONY: test-load-k6 test-load-python
test-load-k6: test-load-all ## Another name of test-load-all
test-load-python: test-load-closed ## Another name of test-load-closed

.PHONY: pf-broker
pf-broker: ## The broker of a cluster on BROKER_PORT, until Ctrl-C: BROKER_NAMESPACE, BROKER_SERVICE
	scripts/pf-broker.sh

.PHONY: bench
bench: ## Measure what an event costs each tool on this machine
	cargo build --release --locked -p ce-gen -p ce-blast -p ce-sink -p lat-collect -p ce-testkit
	scripts/bench.sh
	scripts/bench/sink.sh
	scripts/bench/collect.sh

.PHONY: deny
deny: ## Licences, duplicates and sources of all dependencies (needs cargo-deny)
	cargo deny check bans licenses sources
