import re
import textwrap
from pathlib import Path

import pytest

from tests.chart.conftest import CHART, ROOT, Render
from tests.chart.rendering import check

BLOCKS = [
    (path.stem, block)
    for path in sorted((ROOT / "docs" / "guides").glob("*.md"))
    for block in re.findall(r"^ *```yaml\n(.*?)^ *```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize(("guide", "block"), BLOCKS, ids=[guide for guide, _ in BLOCKS])
def test_values_of_a_guide_are_right(guide: str, block: str, render: Render, tmp_path: Path) -> None:
    """Each block of values in a guide renders on top of the values for production."""
    values = tmp_path / f"{guide}.yaml"
    values.write_text(textwrap.dedent(block))
    check([part for part in render(CHART / "values-production.yaml", values) if not _is_of_a_cloud(part["apiVersion"])])


def _is_of_a_cloud(api: str) -> bool:
    return api.startswith(("networking.gke.io/", "monitoring.googleapis.com/"))
