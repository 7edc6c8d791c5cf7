#!/bin/sh
# What the tests of microphone and loudspeaker need: PortAudio, and PulseAudio with its ALSA plugin to stand for devices.
# On a build machine (CI is set, Debian, root) it is installed; elsewhere one line says how, and those tests are skipped.
[ "$(uname -s)" = Linux ] || exit 0

packages=""
command -v pulseaudio >/dev/null || packages="$packages pulseaudio"
command -v parec >/dev/null || packages="$packages pulseaudio-utils"
for library in libportaudio.so.2:libportaudio2 libasound_module_pcm_pulse.so:libasound2-plugins; do
    file="${library%%:*}"
    found=$(find /usr/lib /usr/lib64 /usr/local/lib -name "$file" 2>/dev/null | head -n 1)
    [ -n "$found" ] || packages="$packages ${library##*:}"
done
[ -n "$packages" ] || exit 0

if [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "==> a sound system for the tests:$packages"
    # shellcheck disable=SC2086  # one word for each package
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null && exit 0
    echo "It could not be installed; the tests of microphone and loudspeaker will be skipped." >&2
else
    echo "The tests of microphone and loudspeaker need more (Debian: apt-get install$packages); without it they are skipped."
fi
