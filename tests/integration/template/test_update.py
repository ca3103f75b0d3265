"""What `copier update` brings into a project that somebody works on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from copier import run_update
from copier.errors import UserMessageError

from tests import template

pytestmark = pytest.mark.integration

MARKS = ("<<<<<<<", "=======", ">>>>>>>")
# A line that the template has in the middle of a file, and one that a user has there instead.
PEAK = "  maxReplicas: 10\n"
HIGHER = "  maxReplicas: 12\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The template's repository, at version 1.0.0, for a test to bring out more."""
    return template.lay_out(tmp_path / "template")


@pytest.fixture
def project(repository: Path, tmp_path: Path) -> Path:
    """A project of version 1.0.0, as its user keeps it in a repository."""
    project = template.make_project(repository, tmp_path / "shop", project_name="Shop", description="It sells")
    template.commit(project)
    return project


def _change(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def _update(project: Path) -> None:
    run_update(project, defaults=True, overwrite=True, quiet=True)


def _release(repository: Path) -> None:
    """Bring out version 2.0.0: a further target of the Makefile, a line of the application, a new file, another pin."""
    files = repository / "k8s" / "template"
    _change(files / "Makefile.jinja", lambda text: text.replace("##@ Maintain\n", "##@ Maintain\n\nnew:\n\techo new\n"))
    _change(files / "app" / "main.py.jinja", lambda text: text.replace("# Under /api", "# New in this.\n# Under /api"))
    (files / "NEW.md.jinja").write_text("# {{ project_name }}\n")
    template.commit(repository, "v2.0.0")


def test_an_update_keeps_what_the_user_made(repository: Path, project: Path) -> None:
    """`copier update` from the version before keeps each edit, in any file, and brings what is new."""
    _change(project / "Makefile", lambda text: text.replace("##@ Check\n", "##@ Check\n\nmine:\n\techo mine\n"))
    _change(project / "app" / "main.py", lambda text: text.replace('return {"hello": name}', 'return {"bye": name}'))
    _change(project / "values.yaml", lambda text: text.replace(PEAK, HIGHER))
    (project / "app" / "items.py").write_text("ITEMS = 7\n")
    (project / "values-kind.yaml").unlink()
    template.commit(project)
    _release(repository)
    _update(project)

    makefile, main = ((project / name).read_text() for name in ("Makefile", "app/main.py"))
    assert "\nmine:\n\techo mine\n" in makefile
    assert "\nnew:\n\techo new\n" in makefile
    assert 'return {"bye": name}' in main
    assert "# New in this.\n" in main
    assert HIGHER in (project / "values.yaml").read_text()
    assert (project / "app" / "items.py").read_text() == "ITEMS = 7\n"
    assert not (project / "values-kind.yaml").exists()
    assert (project / "NEW.md").read_text() == "# Shop\n"
    changed = template.run("git", "status", "--porcelain", cwd=project).stdout.splitlines()
    assert sorted(changed) == [f" M {template.ANSWERS}", " M Makefile", " M app/main.py", "?? NEW.md"]
    for line in changed:
        assert not any(mark in (project / line[3:]).read_text() for mark in MARKS)


def test_an_update_keeps_the_answers(repository: Path, project: Path) -> None:
    """The answers stay what the user gave, and the version is the newest: chart and tools are taken from it then."""
    _release(repository)
    _update(project)
    answers = yaml.safe_load((project / template.ANSWERS).read_text())
    assert (answers["_commit"], answers["description"], answers["slug"]) == ("v2.0.0", "It sells", "shop")
    assert template.run("make", "-pn", "help", cwd=project).stdout.count("PLATFORM := .platform/v2.0.0") == 1


def test_what_clashes_is_marked(repository: Path, project: Path) -> None:
    """Where user and template changed the same line, both are in the file, between the marks that git has."""
    _change(project / "values.yaml", lambda text: text.replace(PEAK, HIGHER))
    template.commit(project)
    _change(repository / "k8s/template/values.yaml.jinja", lambda text: text.replace(PEAK, "  maxReplicas: 20\n"))
    template.commit(repository, "v2.0.0")
    _update(project)

    text = (project / "values.yaml").read_text()
    assert text.count(HIGHER) == text.count("  maxReplicas: 20\n") == 1
    assert all(text.count(mark) == 1 for mark in MARKS)
    assert "UU values.yaml" in template.run("git", "status", "--porcelain", cwd=project).stdout


def test_an_update_begins_from_what_is_kept(repository: Path, project: Path) -> None:
    """With edits that are in no commit nothing is updated, and they stay."""
    _change(project / "values.yaml", lambda text: text.replace(PEAK, HIGHER))
    _release(repository)
    with pytest.raises(UserMessageError, match="dirty"):
        _update(project)
    assert HIGHER in (project / "values.yaml").read_text()
    assert not (project / "NEW.md").exists()


def test_a_newest_version_changes_nothing(project: Path) -> None:
    """An update at the version that is the newest leaves every file as it is."""
    _update(project)
    assert not template.run("git", "status", "--porcelain", cwd=project).stdout
