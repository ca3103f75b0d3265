"""`python -m service`, but a conditional write replaces what is there by then, whatever its version."""

import sys

from service.__main__ import main
from service.users import queries

if __name__ == "__main__":
    unconditional = queries.UPDATE_VERSION.sql.replace("version = $4", "$4::bigint > 0")
    queries.UPDATE_VERSION = queries.UPDATE_VERSION._replace(sql=unconditional)
    sys.exit(main())
