#!/bin/sh
# The environment in which the bridge to FastRTC is tested: Gradio needs older versions than the rest, so it cannot be in the same.
set -eu
cd "$(dirname "$0")/.."
environment=.venv/fastrtc
mark="$environment/$(cksum requirements-fastrtc.lock | cut -d ' ' -f 1)"
[ -f "$mark" ] && exit 0
echo "==> FastRTC, in an environment of its own (about 300 MB to download the first time)"
rm -rf "$environment"
.venv/bin/python -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-fastrtc.lock
printf '%s\n' "$PWD/src" > "$("$environment/bin/python" -c 'import site; print(site.getsitepackages()[0])')/multimodal_assistant.pth"
touch "$mark"
