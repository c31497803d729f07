# Thin targets over scripts/ and the CMake presets, which are the recipe (CMakePresets.json).
.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
# One step after the other: each uses every core itself.
.NOTPARALLEL:

JOBS ?= $(shell nproc)

# Where tests look for the vectors and samples that are kept beside the checkout, not in it.
# A test that misses them says so and skips; with CI=true it fails.
export SEALTRAIL_DATA ?= $(abspath $(CURDIR)/../shared/data)

.PHONY: help setup build demo test soak check bench

help:  ## list these targets
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install what build and tests need (Debian 12; root or sudo), nothing twice
	@scripts/setup

build: setup  ## build/release/sealtrail
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target sealtrail

demo: build  ## two programs, one ledger, one question answered, one flipped byte found
	@scripts/demo

test: setup check  ## checks, then the dev and asan builds and their tests
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS)
	cmake --preset asan
	cmake --build --preset asan -j $(JOBS)
	ctest --preset dev -j $(JOBS) --label-exclude '^check$$'
	ctest --preset asan -j $(JOBS) --label-exclude '^check$$'

soak: build  ## the long tests whole: crash sweeps, kills, fuzzing
	@scripts/soak

check: setup  ## format, layering, banned calls, orphan tests, documents
	@.venv/bin/python3 tests/checks/run.py

bench: build  ## measure, on the disk the data would be on
	cmake --build --preset release -j $(JOBS) --target bench_programs
	@scripts/bench
