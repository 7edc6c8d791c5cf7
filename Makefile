# Everything a newcomer needs: `make run`, `make test`. All paths are relative: a checkout path may contain spaces.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help setup run test lint bench bench-all lock models clean

BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:
	@echo "make run    set up, answer a recorded question, then wait for you in the browser"
	@echo "make test   set up, then run every check and test"
	@echo "make setup  the environment in .venv and the default models"
	@echo "make lint   format check, lint, types, architecture"
	@echo "make bench  how fast a question is answered: the first sections of docs/benchmarks.md (about 10 minutes)"
	@echo "make bench-all  all of docs/benchmarks.md (about five hours)"
	@echo "make lock   re-resolve the lock files"

setup: .venv/.runtime
	@echo "==> models (cached and verified; only what is missing is fetched)"
	@"$(BIN)/assistant" models pull
	@echo "==> ready: $(BIN)/assistant --help"

run: setup
	@"$(BIN)/assistant" ask samples/question.wav --memory off --out answer.wav
	@"$(BIN)/assistant" serve

test: .venv/.dev
	@sh scripts/test_sound_system.sh
	@sh scripts/test_browser.sh
	@sh scripts/test_turn_server.sh
	@sh scripts/fastrtc_environment.sh
	@sh scripts/agents_environment.sh
	@sh scripts/clip_environment.sh
	@"$(BIN)/assistant" models pull --group test
	@"$(BIN)/python" tests/models/photo_lab.py
	@$(MAKE) --no-print-directory lint
	@echo "==> sound devices, in real time and in a process of their own, which has no other test's models and threads in it"
	@"$(BIN)/python" -m pytest tests/devices
	@echo "==> everything else"
	@"$(BIN)/python" -m pytest --ignore tests/devices

lint: .venv/.dev
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/ruff" check .
	@"$(BIN)/codespell" src tests docs benchmarks README.md CHANGELOG.md
	@"$(BIN)/lint-imports"
	@"$(BIN)/pyright"

bench: .venv/.dev
	@"$(BIN)/assistant" models pull --group test
	@"$(BIN)/python" tests/models/photo_lab.py
	@"$(BIN)/python" -m benchmarks

bench-all: .venv/.dev
	@"$(BIN)/assistant" models pull --group test
	@"$(BIN)/python" tests/models/photo_lab.py
	@"$(BIN)/python" -m benchmarks all

# A stamp is written only after the step before it succeeded, so an interrupted set-up goes on where it stopped.
.venv/.created: scripts/find_python.sh
	@echo "==> Python environment in .venv"
	@"$$(sh scripts/find_python.sh)" -m venv .venv
	@touch .venv/.created

.venv/.runtime: .venv/.created requirements.lock pyproject.toml
	@echo "==> locked dependencies (about 400 MB to download the first time)"
	@"$(BIN)/python" -m pip install --require-hashes --requirement requirements.lock
	@"$(BIN)/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/.runtime

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "==> development tools"
	@"$(BIN)/python" -m pip install --require-hashes --requirement requirements-dev.lock
	@touch .venv/.dev

lock: .venv/.dev
	@"$(BIN)/uv" pip compile pyproject.toml --extra local --extra vision --group build --universal --generate-hashes --no-header --upgrade \
		--python-version 3.11 --quiet --output-file requirements.lock
	@"$(BIN)/uv" pip compile pyproject.toml --extra local --extra vision --extra qdrant --group build --group dev --universal --generate-hashes --no-header \
		--python-version 3.11 --quiet --constraint requirements.lock --output-file requirements-dev.lock
	@"$(BIN)/uv" pip compile pyproject.toml --extra fastrtc --universal --generate-hashes --no-header --upgrade \
		--python-version 3.11 --quiet --output-file requirements-fastrtc.lock
	@"$(BIN)/uv" pip compile --group pyproject.toml:agents --universal --generate-hashes --no-header --upgrade \
		--python-version 3.11 --quiet --output-file requirements-agents.lock
	@"$(BIN)/uv" pip compile --group pyproject.toml:clip-tests --universal --generate-hashes --no-header --upgrade \
		--python-version 3.11 --quiet --output-file requirements-clip.lock

clean:
	rm -rf .venv .pytest_cache .ruff_cache
