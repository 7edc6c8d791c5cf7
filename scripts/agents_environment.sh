#!/bin/sh
# The environment of the OpenAI Agents SDK, one of the clients that the server is tried with: it needs an older version of websockets.
set -eu
cd "$(dirname "$0")/.."
environment=.venv/agents
mark="$environment/$(cksum requirements-agents.lock | cut -d ' ' -f 1)"
[ -f "$mark" ] && exit 0
echo "==> OpenAI Agents SDK, in an environment of its own (about 20 MB to download the first time)"
rm -rf "$environment"
.venv/bin/python -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-agents.lock
touch "$mark"
