# Thin: CMake presets do the work. `make help` lists the targets.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=
CMAKE ?= cmake
CTEST_ARGS ?=
IMAGE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hindcast/image
K8S_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hindcast/kubernetes

.PHONY: all help deps bench-deps build-deps release dev fuzz-build demo check check-kernels check-k8s check-image tidy install bench fuzz format clean

all: build-deps release ## build build/release/hindcast

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  \1\t/p' Makefile | expand -t 16

deps: ## install everything that building, testing and the demo need
	@.ci/install-deps

bench-deps:
	@.ci/install-deps --bench

# `make` installs for root only, and otherwise says what is missing and goes on: a package may be there under another name.
build-deps:
	@if [ "$$(id -u)" = 0 ]; then .ci/install-deps --build; \
	else m=$$(.ci/install-deps --build --missing) || \
	  echo "make: missing packages: $$m (run 'make deps', or install them); trying without" >&2; fi

release:
	@$(CMAKE) --preset release --log-level=WARNING
	@$(CMAKE) --build --preset release -j $(JOBS)

dev:
	@$(CMAKE) --preset dev
	@$(CMAKE) --build --preset dev -j $(JOBS)

fuzz-build:
	@$(CMAKE) --preset fuzz
	@$(CMAKE) --build --preset fuzz -j $(JOBS) --target fuzzers

demo: deps release ## record ten seconds of this machine, replay the rules over it, ask questions
	@tests/demo/run build/release/hindcast

check: deps ## everything CI checks: both builds, then all tests
	@.ci/check $(JOBS) $(CTEST_ARGS)

check-kernels: deps release ## the recorder's tests under other kernels, in an emulator
	@tests/kernels/run

check-k8s: deps ## the Kubernetes client and the recorder against a real kube-apiserver, built once (some minutes) from Debian's source
	@$(CMAKE) --preset dev --log-level=WARNING
	@$(CMAKE) --build --preset dev -j $(JOBS) --target hindcast hc-kubewatch
	@.ci/install-deps --k8s
	@tests/k8s/build_apiserver $(K8S_CACHE)
	@HC_BUILD_DIR=$(CURDIR)/build/dev HINDCAST=$(CURDIR)/build/dev/hindcast tests/k8s/apiserver.py $(K8S_CACHE)

check-image: deps release ## the container image, built and run with podman as the DaemonSet says (some minutes)
	@.ci/install-deps --image
	@tests/k8s/image $(IMAGE_CACHE)

tidy: deps dev ## clang-tidy over all sources
	@ctest --preset dev -R lint.tidy --output-on-failure

install: ## install to $(DESTDIR)$(PREFIX)
	@test -x build/release/hindcast || $(MAKE) all
	@DESTDIR="$(DESTDIR)" $(CMAKE) --install build/release --prefix "$(PREFIX)"

bench: bench-deps release ## measure; prints a table and writes build/bench.json
	@tests/bench/run build/release

fuzz: deps fuzz-build ## fuzz every parser for a minute each (FUZZ_SECONDS=60)
	@tests/fuzz/run build/fuzz $(or $(FUZZ_SECONDS),60)

format: ## rewrite all sources as .clang-format says
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove build/
	rm -rf build
