PYTHON ?= python

.PHONY: audit check format test
check:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m pytest -q

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

test:
	$(PYTHON) -m pytest -q

# Known holes in what is installed: a report, which needs the network and fails nothing.
audit:
	@folder=$$(mktemp -d) && $(PYTHON) -m venv $$folder && $$folder/bin/pip install --quiet pip-audit==2.10.1 && \
	$$folder/bin/pip-audit --no-deps --disable-pip -r requirements.txt; rm -rf $$folder
