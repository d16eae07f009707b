# What a developer types; the work is done by the scripts in .make.

.DEFAULT_GOAL := help
.PHONY: help build run test unit simulate fuzz lint fmt web e2e pictures bench drills release package clean-data

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the programs and the browser's half (dev profile)
	@.make/build.sh

run: ## Two servers and 25 devices on this machine, until Ctrl-C
	@.make/run.sh

test: ## Every check: formatting, clippy, documentation, tests, browser tests
	@.make/test.sh

unit: ## The Rust tests alone
	@.make/unit.sh

lint: ## Formatting, clippy for both halves, documentation
	@.make/lint.sh

simulate: ## Ever more seeds of the simulations, until one fails or Ctrl-C
	@.make/simulate.sh

fuzz: ## Feed every parser with bytes of a fuzzer's making; FUZZ_SECONDS for each (60)
	@.make/fuzz.sh

fmt: ## Format the code
	@cargo fmt --all

web: ## Build the browser's half alone
	@.make/web.sh

e2e: build ## The browser tests alone
	@.make/e2e.sh

pictures: build ## Take the pictures in docs/ anew
	@.make/e2e.sh --config playwright.pictures.config.ts

bench: ## The gateway beside a bare TLS server, as ratios; BENCH_DEVICES=10000 for the full size
	@.make/bench.sh

drills: build ## Failovers of real servers, with figures; DRILL_DEVICES=1000 for a large fleet
	@.make/drills.sh

release: ## Build the programs and the browser's half for use
	@.make/build.sh --release

package: ## A Debian package of both programs, the service and its configuration
	@.make/package.sh

clean-data: ## Remove what make run left behind
	@.make/clean-data.sh
