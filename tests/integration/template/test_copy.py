"""What `copier copy` makes of the template."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import TypeGuard

import pytest
import yaml

from k8s.client.application_file import read_application
from tests import template
from tests.template import ROOT

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of whose questions only the first was answered."""
    project = tmp_path_factory.mktemp("projects") / "web-shop"
    return template.make_project(repository, project, project_name="Web Shop")


def test_its_tests_and_checks_pass(project: Path) -> None:
    """A project passes its own tests, ruff's rules as it has set them, and the formatter."""
    tests = template.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", cwd=project)
    assert "3 passed" in tests.stdout
    ruff = Path(sys.executable).with_name("ruff")
    template.run(ruff, "check", "--no-cache", ".", cwd=project)
    template.run(ruff, "format", "--no-cache", "--check", ".", cwd=project)


def test_its_image_has_what_it_runs(project: Path) -> None:
    """The Dockerfile copies files that there are and that Docker is given, and listens where the values say."""
    dockerfile = (project / "Dockerfile").read_text()
    given = (project / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    assert copied
    assert not [name for name in copied if not (project / name).exists() or f"!{name}" not in given]
    assert dockerfile.startswith("FROM python:3.13-slim\n")
    port = yaml.safe_load((project / "values.yaml").read_text())["app"]["port"]
    assert f"\nEXPOSE {port}\n" in dockerfile
    assert f'"--port={port}"' in dockerfile


def test_it_remembers_where_it_came_from(project: Path, repository: Path) -> None:
    """`copier update` and the Makefile find the template's repository, its version and the answers, and no others."""
    answers = yaml.safe_load((project / template.ANSWERS).read_text())
    assert answers == {
        "_commit": "v1.0.0",
        "_src_path": str(repository),
        "description": "A service that scales by itself",
        "project_name": "Web Shop",
        "python_version": "3.13",
        "slug": "web-shop",
    }


def test_nothing_is_left_of_the_template(project: Path) -> None:
    """No file has a name or a line that was for Copier, beside the expressions that GitHub's workflows have."""
    left = [path for path in project.rglob("*") if path.suffix == ".jinja" or "{{" in path.name]
    assert not left
    for path in project.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert not re.search(r"(?<!\$)\{\{|\{%", path.read_text()), path
    workflow = (project / ".github" / "workflows" / "ci.yml").read_text()
    assert workflow.count("${{") == 3


def test_its_workflow_has_this_repositorys_actions(project: Path) -> None:
    """It runs targets of its Makefile, by actions of the same commits as here, and may do no more than it says."""
    text = (project / ".github" / "workflows" / "ci.yml").read_text()
    ours = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert set(used) <= set(re.findall(r"uses: (.*)", ours))
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), re.MULTILINE))
    assert {target for made in re.findall(r"run: make (.*)", text) for target in made.split()} <= targets


@pytest.mark.parametrize(("source", "is_told"), [("template", True), ("./template", True), ("$PWD/template", False)])
def test_a_path_that_is_found_from_here_alone_is_told(tmp_path: Path, source: str, *, is_told: bool) -> None:
    """Copier keeps the template's path as it was given: somebody who gave a relative one is told to make it whole."""
    template.lay_out(tmp_path / "template")
    copier = f'"{sys.executable}" -m copier copy --defaults --data=project_name=Shop "{source}" shop'
    said = template.run("sh", "-c", copier, cwd=tmp_path).stderr
    assert "make test\n" in said
    assert (f"{source}, where the template is, is found from here alone" in said) == is_told


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_its_locks_are_of_this_repository(lock: str) -> None:
    """A new project has the versions that are tested here, with their hashes, and names of itself what it imports."""
    pins = r"^([a-z0-9-]+==\S+)"
    folder = ROOT / "k8s" / "template"
    locked = set(re.findall(pins, (folder / lock).read_text(), re.MULTILINE))
    named = re.findall(r"^([a-z][a-z0-9-]*)", (folder / lock.replace(".lock", ".in")).read_text(), re.MULTILINE)
    assert {pin.split("==")[0] for pin in locked} >= set(named)
    here = re.findall(pins, (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)
    assert locked <= set(here)


@pytest.mark.parametrize(("name", "slug"), template.STRANGE.items())
def test_a_strange_name_makes_a_project(repository: Path, tmp_path: Path, name: str, slug: str) -> None:
    """Any name that is taken becomes one for Kubernetes, and the files are valid, and mean that name."""
    project = template.make_project(repository, tmp_path / "project", project_name=name)
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", slug)
    assert yaml.safe_load((project / "values.yaml").read_text())["nameOverride"] == slug
    application = read_application(project / "app.yaml")
    assert (application.release, application.url) == (slug, f"http://{slug}.localhost:8080")
    ruff = Path(sys.executable).with_name("ruff")
    template.run(ruff, "check", "--no-cache", ".", cwd=project)
    template.run(ruff, "format", "--no-cache", "--check", ".", cwd=project)
    main = ast.parse((project / "app" / "main.py").read_text(encoding="utf-8"))
    given = {found.arg: ast.literal_eval(found.value) for found in ast.walk(main) if _is_text(found)}
    assert given["title"] == name


def _is_text(node: ast.AST) -> TypeGuard[ast.keyword]:
    return isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant)


def test_the_clusters_own_namespaces_are_known() -> None:
    """Each namespace that an add-on of the local cluster has is one that no project is called by."""
    taken = yaml.safe_load((ROOT / "copier.yml").read_text())["taken"]["default"]
    addons = [tomllib.loads(path.read_text()) for path in (ROOT / "k8s").glob("*/addon.toml")]
    names = {addon["namespace"] for addon in addons if "namespace" in addon}
    assert names
    assert not [name for name in (*names, "users-api", "default") if not re.match(taken, name)]


def test_the_guide_tells_of_each_question() -> None:
    """Its table has what Copier asks, in that order."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text())
    asked = [name for name, about in questions.items() if name[0] != "_" and about.get("when", True)]
    guide = (ROOT / "docs" / "guides" / "new-project.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE) == asked


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("project_name", "  ", "say what the project is called"),
        ("project_name", "x" * 61, "60 characters at most, and this has 61"),
        ("project_name", 'The "Shop"', 'no quotation marks (")'),
        ("project_name", "a\\b", "backslashes"),
        ("project_name", "two\nlines", "line breaks"),
        ("project_name", "{{ 7 }}", "braces"),
        ("description", "", "say what it does"),
        ("description", "x" * 91, "90 characters at most, and this has 91"),
        ("description", "two\nlines", "line breaks"),
        ("slug", "Web", "small letters, digits and hyphens"),
        ("slug", "web shop", "small letters, digits and hyphens"),
        ("slug", "3d", "the first a letter"),
        ("slug", "web-", "the last no hyphen"),
        ("slug", "web\n", "small letters, digits and hyphens"),
        ("slug", "x" * 41, "40 characters at most, and this has 41"),
        ("slug", "monitoring", "a namespace of the cluster's own: take another, such as my-monitoring"),
        ("slug", "kube-public", "a namespace of the cluster's own"),
        ("python_version", "3.9", "Invalid choice"),
    ],
)
def test_what_cannot_be_is_refused(repository: Path, tmp_path: Path, question: str, answer: str, said: str) -> None:
    """Copier names the question and what is wrong with the answer, and makes nothing."""
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        template.make_project(repository, tmp_path / "project", **{"project_name": "Shop", question: answer})
    assert question in str(refused.value)
    assert not (tmp_path / "project").exists()
