import sys
from pathlib import Path

import pytest

from loadtests import explain

pytestmark = pytest.mark.integration


def test_the_page_has_each_statement_with_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is there with text, time, rows and what the server says; what reads a whole table is named."""
    monkeypatch.setattr(explain, "RUNS", 2)
    output = tmp_path / "queries.md"
    monkeypatch.setattr(sys, "argv", ["explain", "--users", "100", "--output", str(output)])
    assert explain.main() == 1  # a hundred keys fit into a few pages, which the purge reads
    assert "missed: key_purge reads idempotency_keys from end to end" in capsys.readouterr().err
    page = output.read_text()
    for query in explain.QUERIES.values():
        assert f"| [{query.name}](#{query.name}) |" in page
        assert f"## {query.name}" in page
    assert page.count("Execution Time:") == len(explain.QUERIES)
    assert "with 100 users" in page


def test_what_takes_too_long_is_named() -> None:
    """A look-up at its bound is too slow; a write has none, as it depends on the disk."""
    get, create = (explain.QUERIES[name] for name in ("user_get", "user_create"))
    assert list(explain.Explained(get, 0.1, 1, [], "").missed) == ["user_get takes 0.100 ms, to be under 0.1 ms"]
    assert list(explain.Explained(get, 0.09, 1, [], "").missed) == []
    assert list(explain.Explained(create, 10.0, 1, [], "").missed) == []
