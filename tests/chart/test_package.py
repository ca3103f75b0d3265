import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.chart.sbom import debian_packages
from tests.chart.conftest import ROOT, run

SIGNER = "Throwaway <throwaway@example.com>"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a key of this test's own, made now: the secret ring that signs and the public one that verifies."""
    folder = tmp_path_factory.mktemp("keys")
    # A short path: gpg's agent has its socket there, and sockets' paths are bounded.
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
    try:
        run(*gpg, "--quick-generate-key", SIGNER, "ed25519", "sign", "1d")
        run(*gpg, "--output", folder / "secret.gpg", "--export-secret-keys", SIGNER)
        run(*gpg, "--output", folder / "public.gpg", "--export", SIGNER)
        yield folder
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def package(keys: Path) -> Path:
    """The chart as `make package` packs and signs it."""
    options = (f"SIGN_KEY={SIGNER}", f"KEYRING={keys / 'secret.gpg'}", "SBOM_IMAGE=", f"DIST={keys / 'dist'}")
    run("make", "--old-file", ".venv/installed", "package", *options)
    (archive,) = (keys / "dist").glob("*.tgz")
    return archive


def test_a_package_is_verified_by_its_signer_s_key(package: Path, keys: Path, helm: str) -> None:
    """`helm verify` of either Helm accepts the package with the signer's public key, and names the signer."""
    said = run(helm, "verify", package, "--keyring", keys / "public.gpg")
    assert SIGNER in said.stdout + said.stderr


def test_a_package_that_was_changed_is_refused(package: Path, keys: Path, helm: str, tmp_path: Path) -> None:
    """One byte more, and `helm verify` fails."""
    changed = tmp_path / package.name
    changed.write_bytes(package.read_bytes() + b"\0")
    Path(f"{changed}.prov").write_bytes(Path(f"{package}.prov").read_bytes())
    done = run(helm, "verify", changed, "--keyring", keys / "public.gpg", check=False)
    assert done.returncode != 0
    assert "sha256 sum does not match" in (done.stdout + done.stderr).lower()


def test_the_bill_lists_what_the_lock_file_installs(package: Path) -> None:
    """Each package of the lock file is in the SBOM with its version and hashes, under the service's name."""
    bill = json.loads(package.with_suffix("").with_name("users-api-0.1.0.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "users-api"
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = {line.split(" ")[0].split(";")[0].strip() for line in lines if "==" in line and not line.startswith(" ")}
    assert locked
    assert {f"{each['name']}=={each['version']}" for each in bill["components"]} == locked
    assert all(each["externalReferences"][0]["hashes"] for each in bill["components"])


def test_the_bill_lists_what_dpkg_has_installed() -> None:
    """Each installed package of Debian becomes a component with its package URL, and a removed one doesn't."""
    status = (
        "Package: libstdc++6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.2.0-14+deb12u1\n"
        "Description: library\n more of it\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1:2\n"
    )
    (found,) = debian_packages(status)
    assert found["purl"] == "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64"
    assert (found["name"], found["version"]) == ("libstdc++6", "12.2.0-14+deb12u1")


def test_an_image_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """An SBOM of no image stops with what to do, instead of listing half of it."""
    done = run(sys.executable, "-m", "k8s.chart.sbom", tmp_path, "--image", "localhost/nothing:none", check=False)
    assert done.returncode == 1
    assert "`make image` builds it" in done.stderr
