"""`python -m service`, but a statement may take an hour, whatever was agreed."""

import sys
from unittest import mock

from service.__main__ import main
from service.database import server

HOUR_SECONDS = 3600.0

if __name__ == "__main__":
    mock.patch.object(server, "_remaining_seconds", return_value=HOUR_SECONDS).start()
    sys.exit(main())
