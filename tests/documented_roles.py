"""What docs/postgresql.md has whoever brings a server of their own do there."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "postgresql.md"


def statements() -> list[list[str]]:
    """Give those of each block of SQL: roles, rights by default, limits, and what is taken back after the migration."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [[statement.strip() for statement in block.split(";") if statement.strip()] for block in blocks]
