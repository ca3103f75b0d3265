"""Brings a kind cluster up and down, from published images or from source.

Standard library only: it runs before anything is installed.
"""

import sys

# No older Python gets through the other modules, so this is said before any of them is read; it must get through this.
if sys.version_info < (3, 11):  # noqa: UP036 - see above
    sys.exit(
        "error: Python 3.11 or newer is needed, and {} is {}.{}: name another, as in make PYTHON=python3.12".format(
            sys.executable, *sys.version_info[:2]
        )
    )
