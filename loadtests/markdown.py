def row(*cells: str) -> str:
    """Write one row of a table."""
    return f"| {' | '.join(cells)} |"
