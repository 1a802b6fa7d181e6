# Everything a fresh machine needs is Python 3.11 or later with venv, and make.
#   make demo    reads the sample photos
#   make check   all checks: format, lint, types, import layers, tests

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := $(VENV)/bin

.PHONY: demo check test lint format setup setup-train clean

# Exit code 1 says that some photo was refused, and among the samples there are some that must be.
demo: $(VENV)/.installed
	$(BIN)/meter read samples/*.jpg || [ $$? -eq 1 ]

check: lint test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: $(VENV)/.installed-dev
	$(BIN)/pytest

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.installed-dev

# Only for training models; about 1 GB more.
setup-train: $(VENV)/.installed-dev
	$(BIN)/pip install --quiet --editable '.[train]'
	$(TYPEFACES)

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed: sudo apt-get install python3 python3-venv"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing: sudo apt-get install python3-venv"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# zbar reads a few barcodes more. Everything works without it, so a machine where it cannot be installed gets a word.
define ZBAR
@$(BIN)/python -c "import ctypes.util, sys; sys.exit(not ctypes.util.find_library('zbar'))" \
	|| { [ "$$(id -u)" = 0 ] && { apt-get install -y -qq libzbar0 \
		|| { apt-get update -qq && apt-get install -y -qq libzbar0; }; } >/dev/null 2>&1; } \
	|| echo "Fewer barcodes are read without zbar: sudo apt-get install libzbar0"
endef

# Tesseract reads the print on the plate, the serial above all. Everything else works without it.
define TESSERACT
@command -v tesseract >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && { apt-get install -y -qq tesseract-ocr tesseract-ocr-rus \
		|| { apt-get update -qq && apt-get install -y -qq tesseract-ocr tesseract-ocr-rus; }; } >/dev/null 2>&1; } \
	|| echo "Printed serials are not read without Tesseract: sudo apt-get install tesseract-ocr tesseract-ocr-rus"
endef

# A browser drives the service's page in the tests. Without one those tests are skipped.
define CHROMIUM
@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && { apt-get install -y -qq chromium \
		|| { apt-get update -qq && apt-get install -y -qq chromium; }; } >/dev/null 2>&1; } \
	|| echo "The tests of the page are skipped without a browser: sudo apt-get install chromium"
endef

# Training letters drawn meters in many typefaces. Without these it takes what is installed.
FONTS := $(addprefix fonts-,b612 cantarell comfortaa dejavu-core dejavu-extra dosis freefont-ttf hack inter jura lato \
	liberation open-sans osifont oxygen paratype play quicksand roboto-unhinted tuffy urw-base35)
define TYPEFACES
@dpkg -s $(FONTS) >/dev/null 2>&1 \
	|| { [ "$$(id -u)" = 0 ] && { apt-get install -y -qq $(FONTS) \
		|| { apt-get update -qq && apt-get install -y -qq $(FONTS); }; } >/dev/null 2>&1; } \
	|| echo "Units on meters of other makers are read worse after training without: sudo apt-get install $(FONTS)"
endef

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	$(ZBAR)
	$(TESSERACT)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(ZBAR)
	$(TESSERACT)
	$(CHROMIUM)
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
