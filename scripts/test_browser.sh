#!/bin/sh
# What the tests of the page need: Chromium, the browser of the distribution.
# On a build machine (CI is set, Debian, root) it is installed; elsewhere one line says how, and those tests are skipped.
cd "$(dirname "$0")/.."
if command -v npm >/dev/null; then  # to build the page again, and for the client that OpenAI makes for browsers
    [ web/node_modules/.package-lock.json -nt web/package-lock.json ] || npm --prefix web ci --no-fund --no-audit --loglevel=error
else
    echo "Without npm the page is not built again, and one client of the Realtime API is not tried."
fi
[ "$(uname -s)" = Linux ] || exit 0
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done

if [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "==> a browser for the tests: chromium"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
    echo "It could not be installed; the tests of the page will be skipped." >&2
else
    echo "The tests of the page need a browser (Debian: apt-get install chromium); without it they are skipped."
fi
