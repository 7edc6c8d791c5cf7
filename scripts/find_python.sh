#!/bin/sh
# Print the first Python that is new enough (3.11 to 3.14), or say what to install.
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.14 python3.11; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
done
echo "No Python 3.11 or newer with venv was found." >&2
echo "Install one (Debian: apt-get install python3 python3-venv; macOS: brew install python) or set PYTHON=/path/to/python3." >&2
exit 1
