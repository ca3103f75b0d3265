"""`python -m service`, but connections to the database are kept until the end, whatever was agreed."""

import sys
from unittest import mock

from service.__main__ import main
from service.database import Database

if __name__ == "__main__":
    mock.patch.object(Database, "drain").start()
    sys.exit(main())
