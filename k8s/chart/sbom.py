"""Writes the image's bill of materials (CycloneDX): Python's packages by the lock file, Debian's by the image."""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
STATUS = "/var/lib/dpkg/status"


class BillError(Exception):
    """An image that cannot be looked into; the message says what to do."""


def python_packages() -> dict[str, Any]:
    """Return the bill of all that the lock file installs, with the service as what they are for."""
    command = ("cyclonedx-py", "requirements", "requirements.lock", "--pyproject", "pyproject.toml")
    options = ("--mc-type", "application", "--output-reproducible", "--spec-version", "1.6")
    done = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:], *options],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def status_of(image: str) -> str:
    """Return what dpkg says is installed in an image.

    Raises:
        BillError: there is no such image, or no engine.
    """
    try:
        # Nothing runs: the file is read out of a container that is never started.
        container = _docker("create", image).decode().strip()
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        message = f"no image {image} to look into: `make image` builds it. {said.decode().strip()}"
        raise BillError(message) from error
    try:
        archive = _docker("cp", f"{container}:{STATUS}", "-")
    finally:
        _docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile(tar.getmembers()[0])
        return member.read().decode() if member else ""


def _docker(*arguments: str) -> bytes:
    return subprocess.run(["docker", *arguments], capture_output=True, check=True).stdout


def debian_packages(status: str) -> Iterator[dict[str, Any]]:
    """Give a component for each installed package of a dpkg status file."""
    for paragraph in status.strip().split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if fields["Status"] != "install ok installed":
            continue
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
        package_url = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
        yield {"type": "library", "bom-ref": package_url, "name": name, "version": version, "purl": package_url}


def main() -> int:
    """Write the bill into the folder given, with the version in its name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--image", help="image whose Debian packages are listed too")
    options = parser.parse_args()
    bill = python_packages()
    if options.image:
        try:
            bill["components"] += sorted(debian_packages(status_of(options.image)), key=lambda each: each["purl"])
        except BillError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    service = bill["metadata"]["component"]
    options.folder.mkdir(parents=True, exist_ok=True)
    file: Path = options.folder / f"{service['name']}-{service['version']}.cdx.json"
    text = json.dumps(bill, indent=2) + "\n"
    file.write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    sys.stdout.write(f"{file}: {len(bill['components'])} components, sha256 {digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
