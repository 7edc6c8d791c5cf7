#!/bin/sh
# The environment in which a CLIP on torch is tried: nothing else here needs torch. Where pip would bring torch with CUDA, several GB that are
# of no use here, it is made with the argument `anyway` only, and the tests that need it are skipped.
set -eu
cd "$(dirname "$0")/.."
torch=torch==2.13.0
environment=.venv/clip
mark="$environment/$(cat requirements-clip.lock scripts/clip_environment.sh | cksum | cut -d ' ' -f 1)"
skipped="$environment/skipped"
[ -f "$mark" ] && [ ! -f "$skipped" ] && exit 0
if [ "${1:-}" != anyway ]; then
    if [ ! -f "$mark" ]; then
        report=$(.venv/bin/python -m pip install --dry-run --ignore-installed --quiet --disable-pip-version-check --report - "$torch")
        rm -rf "$environment"
        mkdir "$environment"
        if printf '%s' "$report" | grep -q '"name": "nvidia-'; then
            printf '%s\n' "CLIP on torch is not tried: pip would bring torch with CUDA, several GB; \`sh scripts/clip_environment.sh anyway\` does it." >"$skipped"
            touch "$mark"
        fi
    fi
    if [ -f "$skipped" ]; then
        echo "==> $(cat "$skipped")"
        exit 0
    fi
fi
echo "==> torch and transformers, in an environment of their own (about 250 MB to download the first time)"
rm -rf "$environment"
.venv/bin/python -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-clip.lock
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$torch"
printf '%s\n' "$PWD/src" > "$("$environment/bin/python" -c 'import site; print(site.getsitepackages()[0])')/multimodal_assistant.pth"
touch "$mark"
