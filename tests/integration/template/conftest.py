from pathlib import Path

import pytest

from tests import template


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository, at version 1.0.0."""
    return template.lay_out(tmp_path_factory.mktemp("template"))
