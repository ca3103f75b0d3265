"""`python -m k8s.chart`: write all of the chart that is made of the service's settings; `--check` says what differs."""

import argparse
import json
import sys
from pathlib import Path

import yaml

from k8s.chart import reference
from k8s.chart.block import BlockError, placed
from k8s.chart.schema import SchemaError, generate
from k8s.chart.settings import table

ROOT = Path(__file__).resolve().parents[2]


def files() -> dict[Path, str]:
    """Return the text of each file that is written.

    Raises:
        BlockError: values.yaml has no place for the settings.
        SchemaError: a value's schema cannot be told.
    """
    chart = ROOT / "chart"
    values = placed((chart / "values.yaml").read_text(encoding="utf-8"))
    schema, blanks = generate(values)
    return {
        chart / "values.yaml": values,
        chart / "values.schema.json": _json(schema),
        chart / "files" / "blank-values.yaml": yaml.safe_dump(blanks, sort_keys=False),
        chart / "files" / "settings.json": _json(table()),
        ROOT / "docs" / "settings.md": reference.page(),
    }


def main() -> int:
    """Write the files, or with `--check` answer 1 if one differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    check: bool = parser.parse_args().check
    status = 0
    try:
        made = files()
    except (BlockError, SchemaError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for path, text in made.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            sys.stderr.write(f"error: {path.relative_to(ROOT)} is not what the settings make: run `make generate`\n")
            status = 1
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return status


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
