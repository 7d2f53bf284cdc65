# `make` lists what can be done. The environment is made from the lock of the Python in use.

PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
LOCK := $(if $(filter 3.11,$(VERSION)),requirements.txt,requirements/$(VERSION).txt)
BIN := .venv/bin

.PHONY: help demo test gates lock clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

demo: .venv/made-from-$(VERSION) ## the whole circle once: book, release, an example class, feedback, grades
	@command -v bwrap >/dev/null || tools/system-packages bubblewrap
	@$(BIN)/equipoise demo

test: .venv/made-from-$(VERSION) ## the whole test suite
	@missing=; command -v chromium >/dev/null || missing=chromium; \
	command -v bwrap >/dev/null || missing="$$missing bubblewrap"; \
	command -v git >/dev/null || missing="$$missing git"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$$missing postgresql"; \
	$(BIN)/python -c 'import ctypes; ctypes.CDLL("libatomic.so.1")' 2>/dev/null || missing="$$missing libatomic1"; \
	test -z "$$missing" || tools/system-packages $$missing # libatomic1: for Playwright's driver
	@$(BIN)/ruff check .
	@$(BIN)/pytest

gates: .venv/made-from-$(VERSION) ## what every page of the book must pass; prints page, element, repair
	@command -v chromium >/dev/null || tools/system-packages chromium libatomic1
	@$(BIN)/pytest -q --no-header tests/gates

lock: .venv/made-from-$(VERSION) ## compile the lock of every Python again
	@for version in 3.11 3.12 3.13; do \
	    lock=requirements/$$version.txt; [ $$version = 3.11 ] && lock=requirements.txt; \
	    { echo "# The locked environment for Python $$version. Made by: make lock"; echo "-e ."; \
	      $(BIN)/uv pip compile --quiet --all-extras --no-annotate --no-header --python-version $$version \
	          pyproject.toml; } > $$lock.new && mv $$lock.new $$lock || exit 1; \
	done

clean: ## remove the environment and everything that was built
	rm -rf .venv _build

.venv/made-from-$(VERSION): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/system-packages python3-venv
	@echo "Making the environment for Python $(VERSION) from $(LOCK); this takes some minutes"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r $(LOCK)
	@touch $@

$(LOCK):
	@echo "Equipoise needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $(VERSION)." >&2; exit 1
