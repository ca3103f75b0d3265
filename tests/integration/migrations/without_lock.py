"""`python -m service.migrate`, but each takes a lock of its own, and nobody waits for another."""

import os
import sys

from service import migrate

if __name__ == "__main__":
    migrate.ADVISORY_LOCK = os.getpid()
    sys.exit(migrate.main())
