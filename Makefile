# `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Makes .venv; by default the first on PATH that is new enough.
PYTHON ?=
# Where images and binaries of the local cluster are kept, and what mypy has seen; safe to delete when it is down.
CACHE_DIR ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/users-api
# pull: published images; build: everything from source; auto: what the cluster there is, else what docker says.
MODE ?= auto
# What serves Ingresses: nginx, contour, traefik; auto: what the cluster has, or else nginx where images
# are pulled and contour where they are built.
INGRESS ?= auto
# A registry, and an address, that have what is published: docs/mirror.md.
IMAGE_MIRROR ?=
DOWNLOAD_MIRROR ?=
NAMESPACE ?= users-api
RELEASE ?= users-api
# Which Deployment, where the release has the API more than once.
DEPLOYMENT ?=
# A file that says all of this of another application: docs/app.md.
APP ?=
# The cluster that is made here, as the kubeconfig calls it.
OWN_CONTEXT := kind-$(shell sed -n 's/^name: //p' kind-config.yaml)
# Cluster that is looked at.
CONTEXT ?= $(OWN_CONTEXT)
BASE_URL ?= http://localhost:8080
# Image whose Debian packages `make package` lists in the SBOM; empty leaves them out.
SBOM_IMAGE ?= localhost/users-api:dev
DIST ?= build/dist
# 2: what failed is tried once more, by itself. `make test` has it so: docs/decisions/0035-a-second-try.md.
TRIES ?= 1
# What `make test-pythons` tries. A release of Debian is one too, as trixie: its Python, in that system.
PYTHONS ?= 3.11 3.12 3.13 3.14
# What `make tune` sizes for, in requests a second; HOLD=1 lets it keep the replicas as they are meanwhile. VALUES are the
# release's; others of its options go into TUNE.
PEAK ?=
HOLD ?=
VALUES ?= $(if $(APP),,$(if $(filter $(OWN_CONTEXT),$(CONTEXT)),chart/values-kind.yaml))
TUNE ?=
# The options of `make size` likewise, as SIZE='--low 50 --node-cores 3.9'.
SIZE ?=
# What `make chaos APP=app.yaml` may do: YES=1 harm the release at all, DRAIN=1 drain a node; others of its options go into CHAOS.
YES ?=
DRAIN ?=
CHAOS ?=
# What `make loadtest` runs: basic, stress, ramp, burn or write.
SCRIPT ?= basic

BIN := .venv/bin
# What APP says counts, unless it is said beside it.
given = $(if $(APP),$(filter-out file,$(origin $(1))),$(1))
OF_APP = $(if $(APP),--app '$(APP)')
OF_RELEASE = --context $(CONTEXT) $(OF_APP) $(if $(call given,NAMESPACE),--namespace $(NAMESPACE)) \
  $(if $(call given,RELEASE),--release $(RELEASE)) --deployment "$(DEPLOYMENT)"
# Standard library only, but for pip, which a bare Debian has in virtual environments alone.
CLUSTER = $(BIN)/python -m k8s.cluster --mode $(MODE) --ingress $(INGRESS) --cache $(CACHE_DIR) \
  $(if $(IMAGE_MIRROR),--image-mirror $(IMAGE_MIRROR)) $(if $(DOWNLOAD_MIRROR),--download-mirror $(DOWNLOAD_MIRROR))
# Without Python, which may be missing yet; macOS has shasum alone.
CHART_TOOLS := $(CACHE_DIR)/chart-tools/$(shell cat k8s/chart/checkers/go.sum k8s/chart/checkers/*/go.sum \
  | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c 1-12)
export PATH := $(CACHE_DIR)/tools:$(CHART_TOOLS):$(CURDIR)/$(BIN):$(PATH)
ifneq ($(call given,BASE_URL),)
export BASE_URL
endif
# Images have it set, and shells may: each process would compile the service anew, and each worker of pytest all tests.
unexport PYTHONDONTWRITEBYTECODE

##@ Run

.PHONY: up
up: kind-up .venv/installed image demo ## From nothing to a service that has scaled out and back under load

.PHONY: down
down: kind-down ## Take everything down again

.PHONY: dev
dev: .venv/installed ## The service alone on localhost:8000, with a Redis and a PostgreSQL of its own
	$(BIN)/python -m service.dev

##@ Cluster

.PHONY: kind-up
kind-up: .venv/created ## A local cluster with what scales, serves, scrapes, alerts and traces
	$(CLUSTER) up

.PHONY: kind-down
kind-down: .venv/created ## Delete the cluster, and stop the engine if kind-up started it
	$(CLUSTER) down

.PHONY: image
image: .venv/created ## Build the service's image and load it into the cluster
	$(CLUSTER) --output build/image image

# With the kind values, those of the file $(1) over them, and the image just built.
define installation
kubectl --context $(OWN_CONTEXT) create namespace $(NAMESPACE) --dry-run=client -o yaml | kubectl --context $(OWN_CONTEXT) apply -f -
kubectl --context $(OWN_CONTEXT) label --overwrite namespace $(NAMESPACE) pod-security.kubernetes.io/enforce=restricted
helm --kube-context $(OWN_CONTEXT) upgrade --install $(RELEASE) chart --namespace $(NAMESPACE) \
  $(addprefix --values ,chart/values-kind.yaml $(1)) --set-string image.tag="$$(cat build/image/tag)" --wait --timeout 3m
$(BIN)/python -m k8s.prometheus.rules $(RELEASE) $(NAMESPACE)
endef

.PHONY: install
install: .venv/created ## Install or upgrade the chart with the kind values and the image just built
	$(call installation)

.PHONY: demo
demo: .venv/installed ## The ramp on a release with a low target, so that it scales far under a load that two cores bear; then as `install` leaves it
	$(call installation,chart/values-demo.yaml)
	$(BIN)/python -m loadtests timeline --context $(OWN_CONTEXT) --namespace $(NAMESPACE) --release $(RELEASE) \
	  || { echo "the release keeps the low target of chart/values-demo.yaml: make install" >&2; exit 1; }
	$(call installation)

.PHONY: alerts
alerts: .venv/created ## Give the alerts of an installed RELEASE of any application to the local cluster's Prometheus
	$(BIN)/python -m k8s.prometheus.rules $(RELEASE) $(NAMESPACE) --installed

.PHONY: uninstall
uninstall: .venv/created ## Remove the release
	helm --kube-context $(OWN_CONTEXT) uninstall $(RELEASE) --namespace $(NAMESPACE) --wait
	$(BIN)/python -m k8s.prometheus.rules $(RELEASE) $(NAMESPACE) --remove

.PHONY: doctor
doctor: .venv/installed ## Say why RELEASE has so many replicas; walk from the metrics to its autoscaler and database, and name the first broken link
	$(BIN)/python -m k8s.doctor $(OF_RELEASE)

.PHONY: logs
logs: .venv/created ## Keep the logs of nodes and pods under build/cluster-logs
	$(CLUSTER) --output build/cluster-logs logs

##@ Measure

.PHONY: loadtest
loadtest: .venv/installed ## Run loadtests/k6/$(SCRIPT).js against $(BASE_URL)
	$(BIN)/python -m loadtests run $(SCRIPT) $(OF_APP)

.PHONY: timeline
timeline: .venv/installed ## Ramp the load and record how the replicas follow
	$(BIN)/python -m loadtests timeline $(OF_RELEASE)

.PHONY: watch
watch: .venv/installed ## The release live in this terminal: replicas, requests, autoscaler, events
	$(BIN)/python -m loadtests watch $(OF_RELEASE)

.PHONY: screenshots
screenshots: .venv/installed chromium ## The pictures of docs/screenshots anew, from the release at work and its last report
	$(BIN)/python -m loadtests.screenshots

.PHONY: reaction
reaction: .venv/installed ## Step the load tenfold and time each link of the scale-out
	$(BIN)/python -m loadtests reaction $(OF_RELEASE)

.PHONY: tune
tune: .venv/installed ## Find what one replica holds, and write the values for PEAK requests a second; HOLD=1 keeps the autoscaler off
	$(BIN)/python -m loadtests tune $(OF_RELEASE) $(addprefix --values ,$(VALUES)) \
	  $(addprefix --peak ,$(PEAK)) $(if $(HOLD),--hold) $(TUNE)

.PHONY: size
size: .venv/installed ## Say what PEAK requests a second take, from what `make tune` found; needs no cluster
	$(BIN)/python -m loadtests size $(addprefix --values ,$(VALUES)) $(addprefix --peak ,$(PEAK)) $(SIZE)

.PHONY: assess
assess: .venv/installed ## Measure the installed release against its targets; report in build/assess
	$(BIN)/python -m loadtests assess $(OF_RELEASE)

.PHONY: bench
bench: .venv/installed wrk ## One core, side by side with a raw ASGI callable, a bare FastAPI route and the bare driver
	$(BIN)/python -m loadtests.bench

.PHONY: wheel
wheel: .venv/installed ## Build the wheel of the library under the service, in build/wheel
	$(BIN)/python -m loadtests.wheel build/wheel

.PHONY: explain
explain: .venv/installed ## How PostgreSQL finds the rows of each statement among a million; writes docs/queries.md
	$(BIN)/python -m loadtests.explain

.PHONY: simulate
simulate: .venv/installed ## Autoscaler settings compared on simulated traffic, and 1,000 nodes with 10,000 pods
	$(BIN)/python -m loadtests.simulate --cache $(CACHE_DIR)

##@ Check

.PHONY: test
test: .venv/installed redis-server chromium ## All tests, the cluster's included; ends with where the time went
	$(BIN)/python -m tests

.PHONY: test-unit
test-unit: .venv/installed ## What needs no cluster and no server, in under a minute
	$(BIN)/python -m pytest tests/unit

.PHONY: test-pythons
test-pythons: .venv/installed ## The unit tests and the library's wheel on each of PYTHONS: those of this host, fetched by uv, or of Debian
	$(BIN)/python -m tests.pythons --cache $(CACHE_DIR) $(PYTHONS)

again = $(if $(filter 2,$(TRIES)),|| $(1) --last-failed --last-failed-no-failures=none)
# Each of those that run side by side keeps what failed where the others don't.
pytest = $(BIN)/python -m pytest -o cache_dir=build/pytest/$(1)
# What builds, packages and measures, and covers nothing of the service: no time limit of theirs runs out on a busy machine.
OF_TOOLS := $(addprefix tests/unit/,chaos k8s loadtests pull) \
  $(addprefix tests/integration/,loadtests template fleet/test_wheel.py test_locks.py test_makefile.py)
CODE = $(call pytest,code) --durations=25 --cov --cov-append --cov-report= --cov-fail-under=0 \
  --ignore=tests/integration/migrations $(OF_TOOLS:%=--ignore=%) tests/fuzz tests/integration tests/unit
TOOLS = $(call pytest,tools) --durations=25 --timeout=2700 -m "not measures" $(OF_TOOLS)
E2E = $(call pytest,e2e-$(LANE)) --durations=0 $(if $(LANE),-m $(LANE)) tests/e2e

.PHONY: test-code
test-code: .venv/installed redis-server ## The service's unit, integration and fuzz tests, with the coverage that they must reach together
	$(BIN)/python -m coverage erase
	$(CODE) --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(call again,$(CODE)) # the longest file first
	COVERAGE_CONCURRENCY=greenlet $(BIN)/python -m pytest --cov --cov-append --cov-report=term tests/integration/migrations

.PHONY: test-tools
test-tools: .venv/installed redis-server chromium ## Unit and integration tests of what builds, packages and measures
	$(TOOLS) --numprocesses=auto --dist=loadfile $(call again,$(TOOLS))

.PHONY: test-sabotage
test-sabotage: .venv/installed redis-server ## What the database promises, each with its cause switched off: every one must break
	$(BIN)/python -m pytest --sabotage --tb=native --durations=0 tests/integration # the usual tracebacks end in an error of Python 3.11.7

.PHONY: test-fuzz
test-fuzz: .venv/installed redis-server ## 5,000 generated requests, where test-code has a fifth of them
	$(BIN)/python -m pytest --cases=5000 tests/fuzz

PLANTED = $(call pytest,planted) --durations=0 $(if $(SHORT),-m "not full") tests/integration/loadtests/test_tune.py

.PHONY: test-planted
test-planted: .venv/installed ## Planted capacities, found by the search of `make tune`; SHORT=1 tries only one that sleeps
	$(PLANTED) $(call again,$(PLANTED))

.PHONY: test-consistency
test-consistency: .venv/installed redis-server ## No stale read and no lost write for longer: 10,000 conditional increments, ten rounds of faults
	$(BIN)/python -m pytest --property-rounds=10 --increments=10000 tests/integration/fleet/cache/test_property.py tests/integration/users/test_increments.py

# What Debian has as a package, and a target needs as a program.
.PHONY: redis-server wrk chromium
chromium: OTHER_NAMES := chromium-browser google-chrome
redis-server: OTHER_NAMES := valkey-server # `make dev` has a wheel's, but that one has no TLS
redis-server wrk chromium:
	@command -v $@ $(OTHER_NAMES) >/dev/null \
	  || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $@; } \
	  || { echo "error: this needs $@: install your system's package, or run it as root on Debian" >&2; exit 1; }

.PHONY: chart
chart: .venv/installed tools $(CHART_TOOLS)/schemas ## The chart's checks
	$(BIN)/python -m pytest --timeout=2700 --numprocesses=auto --dist=loadfile tests/chart # it may get little time

.PHONY: chart-values
chart-values: .venv/installed tools $(CHART_TOOLS)/schemas ## 500 renderings of the chart with generated values, by Helm 3 and by Helm 4
	$(BIN)/python -m pytest --numprocesses=auto --dist=load --renderings=500 tests/chart/test_generated_values.py

.PHONY: test-simulation
test-simulation: .venv/installed ## The autoscaler on simulated traffic, by the binaries of the cluster and without it
	$(BIN)/python -m pytest tests/simulation

.PHONY: on-demand
on-demand: .venv/created # images that tests install and nobody publishes; where the cluster is built they are there
	$(CLUSTER) --output build/on-demand on-demand

.PHONY: test-e2e
test-e2e: .venv/installed on-demand ## End to end on the cluster; LANE=shared, own, helms or alone takes only what may run beside the others
	$(E2E) $(call again,$(E2E))

# As nobody where it is run as root: what a user needs no rights for is tried without them.
.PHONY: test-pull
test-pull: .venv/installed ## Pull mode as a user has it, from a mirror on this host; of images built before, while no cluster is there
	CACHE_DIR=$(CACHE_DIR) $(BIN)/python -m pytest --exitfirst --durations=0 tests/pull

OF_CHAOS = $(OF_RELEASE) $(if $(YES),--yes) $(if $(SHORT),--short) $(if $(DRAIN),--drain) $(CHAOS)

.PHONY: chaos
chaos: .venv/installed ## All experiments on the cluster but the long ones, in full length; writes docs/reliability.md. Or, with APP, those that any release bears, on it: YES=1
	$(BIN)/python -m $(if $(APP),loadtests chaos $(OF_CHAOS),pytest --durations=0 tests/chaos -m "chaos and not long")

chaos chaos-overload: $(if $(APP),,wrk) # floods

.PHONY: chaos-short
chaos-short: .venv/installed ## The main ones of restarts, scaling, upgrades, pods, metrics, Redis and PostgreSQL, in short form
	$(BIN)/python -m pytest --short -m "not full" --durations=0 $(addprefix tests/chaos/test_,$(addsuffix .py,rolling_restart scaling upgrade pods metrics redis)) \
	  tests/chaos/postgresql/test_primary.py

chaos-%: .venv/installed
	$(BIN)/python -m $(if $(APP),loadtests chaos --only $(subst _,-,$*) $(OF_CHAOS),pytest $(or $(wildcard tests/chaos/$*),tests/chaos/test_$(subst -,_,$*).py) $(if $(SABOTAGE),--sabotage) $(if $(SHORT),--short))

.PHONY: lint
lint: .venv/installed ## Style, layers and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/mypy --cache-dir $(CACHE_DIR)/mypy # for all checkouts: from nothing it takes minutes

##@ Maintain

.PHONY: package
package: .venv/installed ## The chart and the image's SBOM into build/dist, signed if SIGN_KEY and KEYRING are given
	rm -rf $(DIST)
	helm package chart --destination $(DIST) $(if $(SIGN_KEY),--sign --key '$(SIGN_KEY)' --keyring '$(KEYRING)' \
	  $(if $(PASSPHRASE_FILE),--passphrase-file '$(PASSPHRASE_FILE)'))
	$(BIN)/python -m k8s.chart.sbom $(DIST) $(if $(SBOM_IMAGE),--image $(SBOM_IMAGE))

.PHONY: tools
tools: $(CHART_TOOLS)/helm4 ## Build what checks the chart: helm-unittest, helm-docs, kubeconform, kube-score, Helm 4

$(CHART_TOOLS)/helm4:
	@echo "compiling the chart's checkers (about 4 min the first time)"
	mkdir -p $(CHART_TOOLS)
	cd k8s/chart/checkers && CGO_ENABLED=0 GOGC=400 go build -trimpath -ldflags '-s -w' -o $(CHART_TOOLS)/ tool
	cd k8s/chart/checkers/kube-score && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(CHART_TOOLS)/ tool
	mv $(CHART_TOOLS)/helm $@

# What kubeconform holds objects to: the OpenAPI of the pinned Kubernetes, and the operators' CRDs.
$(CHART_TOOLS)/schemas: k8s/chart/kubernetes_schemas.py k8s/components/go.mod k8s/ingress/kinds.yaml
	$(BIN)/python -m k8s.chart.kubernetes_schemas $@
	touch $@

.PHONY: generate
generate: .venv/installed tools ## Write the chart's settings, schema, README and dashboards, their pages in docs, and quoted figures
	$(BIN)/python -m k8s.chart
	$(BIN)/python -m k8s.client.reference
	$(BIN)/python -m loadtests.figures
	helm-docs --chart-search-root chart --log-level error
	$(BIN)/python -m k8s.chart.dashboards

.PHONY: site
site: .venv/installed ## The documentation as a site, in build/site
	$(BIN)/python -m loadtests.pages
	$(BIN)/zensical build --strict --clean

.PHONY: site-serve
site-serve: .venv/installed ## The same on localhost:8001; after a change run `python -m loadtests.pages`, and it shows
	$(BIN)/python -m loadtests.pages
	$(BIN)/zensical serve

RESOLVE = $(CURDIR)/$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
  --no-annotate

.PHONY: lock
lock: .venv/installed ## Resolve pyproject.toml, and what the template names, into the lock files again
	$(RESOLVE) --extra tracing --extra migrations pyproject.toml -o requirements.lock
	$(RESOLVE) --extra tracing --extra migrations --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	for lock in requirements requirements-dev; do \
	  (cd k8s/template && $(RESOLVE) -c ../../requirements-dev.lock $$lock.in -o $$lock.lock); \
	done

.venv/created: requirements-dev.lock
	@bash k8s/cluster/virtual-environment.sh $(PYTHON)

# No resolver: pip up to 23 takes coverage[toml] for another package than coverage, and asks for its newest release.
.venv/installed: .venv/created
	@echo "installing what requirements-dev.lock names into .venv (about 1 min)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip --disable-pip-version-check check
	touch $@

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
