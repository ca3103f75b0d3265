#!/usr/bin/env bash
# Makes .venv, with the Python that is named or the first on PATH that is new enough. Says what to install where there
# is none: Python cannot say it. Runs with bash 3.2, which is macOS's.
set -euo pipefail

named=${1:-}

remedy() { # what to install: for apt-get, for dnf, for brew, for any other
  if command -v apt-get >/dev/null; then
    echo "sudo apt-get install $1"
  elif command -v dnf >/dev/null; then
    echo "sudo dnf install $2"
  elif [ "$(uname -s)" = Darwin ]; then
    echo "brew install $3"
  else
    echo "$4"
  fi
}

found=
older=
for candidate in ${named:-python3 python3.14 python3.13 python3.12 python3.11}; do
  command -v "$candidate" >/dev/null || continue
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$candidate
    break
  fi
  version=$("$candidate" --version 2>&1 | head -n 1) || true # macOS has a python3 that only offers to install one
  older="$older, $candidate is ${version:-none}"
done
if [ -z "$found" ]; then
  echo "error: Python 3.11 or newer is needed${older:-, and there is no ${named:-python3}}:" \
    "$(remedy 'python3 python3-venv (of Debian 12, Ubuntu 24.04 or newer)' python3.12 python@3.13 'install one with your system'\''s packages')," \
    "or name one, as in make PYTHON=python3.12" >&2
  exit 1
fi
if ! said=$("$found" -m venv --clear .venv 2>&1); then
  package=$("$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  echo "$said" >&2
  echo "error: $found cannot make a virtual environment with pip:" \
    "$(remedy "$package" python3-pip python@3.13 'install its venv and pip with your system'\''s packages')" >&2
  exit 1
fi
touch .venv/created
