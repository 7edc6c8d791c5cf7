#!/bin/sh
# What the tests of calls through a relay need: a TURN server, coturn of the distribution.
# On a build machine (CI is set, Debian, root) it is installed; elsewhere one line says how, and those tests are skipped.
[ "$(uname -s)" = Linux ] || exit 0
command -v turnserver >/dev/null && exit 0

if [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "==> a TURN server for the tests: coturn"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends coturn >/dev/null && exit 0
    echo "It could not be installed; the tests of calls through a relay will be skipped." >&2
else
    echo "The tests of calls through a relay need a TURN server (Debian: apt-get install coturn); without it they are skipped."
fi
