import sys
from pathlib import Path

import jsonschema_rs
import pytest

from k8s.chart import __main__ as command
from k8s.chart.block import BEGIN, END, BlockError, placed, written
from k8s.chart.schema import SchemaError, generate
from tests.chart.conftest import CHART, ROOT, run


def test_files_are_what_the_settings_make() -> None:
    """The values that are settings, the schema, the templates' table and docs/settings.md are up to date."""
    run(sys.executable, "-m", "k8s.chart", "--check")


def test_a_changed_file_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The check fails on a bound, a default or a table that was edited by hand, and names the file and the remedy."""
    monkeypatch.setattr(sys, "argv", ["k8s.chart", "--check"])
    made = command.files()
    for path, text in made.items():
        monkeypatch.setattr(command, "files", lambda path=path, text=text: {path: f"{text} "})
        assert command.main() == 1
        said = capsys.readouterr().err
        assert f"{path.relative_to(ROOT)} is not what the settings make: run `make generate`" in said


def test_values_without_a_place_for_the_settings_are_told() -> None:
    """Where a line that bounds the settings is lost, the error shows both."""
    with pytest.raises(BlockError, match="one is missing"):
        placed(f"{BEGIN}\nconfig: {{}}\n")
    assert written() in placed(f"{BEGIN}\nconfig: {{}}\n{END}\n")


def test_readme_is_what_the_values_make() -> None:
    """chart/README.md is up to date with values.yaml and its own template."""
    made = run("helm-docs", "--chart-search-root", "chart", "--dry-run", "--log-level", "error").stdout
    assert made.strip() == (CHART / "README.md").read_text(encoding="utf-8").strip()


def test_schema_tells_types_and_bounds() -> None:
    """Types come from the defaults, and bounds, names and descriptions from the comments."""
    schema, _ = generate("# -- How many\n# of them.\ncount: 2 # @schema minimum: 1; maximum: 3\n")
    count = {"description": "How many of them.", "type": ["integer", "null"], "minimum": 1, "maximum": 3, "default": 2}
    assert schema["properties"]["count"] == count
    assert schema["additionalProperties"] is False
    paths = generate("# -- Paths.\npaths: [/] # @schema item: string; itemPattern: ^/\n")[0]["properties"]["paths"]
    assert paths["items"] == {"type": ["string", "null"], "pattern": "^/"}


@pytest.mark.parametrize(
    ("value", "blank"),
    [
        ("a: 2", 2),
        ("a: true", True),
        ("a: text", ""),
        ("a: word # @schema enum: [word, other]", "word"),
        ("a: name # @schema text: name", "name"),
        ('a: "" # @schema text: name', ""),
        ('a: nginx # @schema text: name; blank: ""', ""),
        ('a: 2 # @schema type: [integer, "null"]', None),
        ("a: [b]", []),
        ("a: [b] # @schema item: string; minItems: 1", ["b"]),
        ("a: {b: c} # @schema map: labels", {}),
    ],
)
def test_a_blank_is_empty_or_the_default(value: str, blank: object) -> None:
    """What may be empty is empty, what may not is the default, and where null says something it is null."""
    schema, blanks = generate(f"# -- A.\n{value}\n")
    assert blanks == {"a": blank}
    jsonschema_rs.validate(schema, {"a": None})
    jsonschema_rs.validate(schema, blanks)
    if "string" in schema["properties"]["a"]["type"]:
        jsonschema_rs.validate(schema, {"a": ""})


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("count: 2", "say what it does"),
        ("# -- A.\ncount: a # @schema text: uri", "text 'uri' is none of digest, name"),
        ("# -- A.\ncount: 2 # @schema minimun: 1", "unknown keyword 'minimun'"),
        ("# -- A.\ncount: null", "add `# @schema type"),
        ("# -- A.\nlabels: {}", "needs `# @schema map"),
        ("[]", "no mapping"),
    ],
)
def test_schema_says_what_a_value_lacks(text: str, remedy: str) -> None:
    """A value whose schema cannot be told is refused with what to write."""
    with pytest.raises(SchemaError, match=remedy):
        generate(text)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("autoscaling.engin=keda", "engin"),
        ("config.server=flask", "/config/server"),
        ("image.digest=abc", "/image/digest"),
        ("autoscaling.minReplicas=0", "/autoscaling/minReplicas"),
        ("podDisruptionBudget.enabled=maybe", "/podDisruptionBudget/enabled"),
        ("podDisruptionBudget.maxUnavailable=150%", "/podDisruptionBudget/maxUnavailable"),
        ("strategy.maxSurge=-1", "/strategy/maxSurge"),
        ("autoscaling.maxReplicas=ten", "/autoscaling/maxReplicas"),
        ("autoscaling.requestRate.prometheus.url=prometheus:9090", "/autoscaling/requestRate/prometheus/url"),
        ('autoscaling.requestRate.excludedStatuses[0]=x"}', "/autoscaling/requestRate/excludedStatuses/0"),
        ("image.repository=registry.example.com/users-api:latest", "/image/repository"),
        ("resources.requests.cpu=lots", "/resources/requests/cpu"),
        ("routing.hosts[0]=https://users.example.com", "/routing/hosts/0"),
        ("routing.paths[0]=api", "/routing/paths/0"),
        ("redis.external.host=redis://cache:6379", "/redis/external/host"),
        ("redis.persistence.size=big", "/redis/persistence/size"),
        ("runAsUser=0", "/runAsUser"),
    ],
)
def test_helm_refuses_what_the_schema_does(helm: str, setting: str, message: str) -> None:
    """A misspelt name, an unknown word and a number out of bounds stop the installation by name."""
    done = run(helm, "template", "chart", "--kube-version", "1.36.3", "--set", setting, check=False)
    assert done.returncode != 0
    assert message in done.stderr


def test_every_template_has_a_unit_test() -> None:
    """Each template is named by a suite of helm-unittest."""
    suites = "".join(path.read_text(encoding="utf-8") for path in (CHART / "tests").rglob("*_test.yaml"))
    templates = [path.relative_to(CHART / "templates") for path in (CHART / "templates").rglob("*.[yt][ax][mt]*")]
    assert len(templates) > 20
    assert not [str(path) for path in templates if str(path) not in suites]


def test_unit_tests_pass() -> None:
    """helm-unittest passes every suite."""
    suites = ("--file", "tests/*_test.yaml", "--file", "tests/*/*_test.yaml")
    output = run("helm-unittest", *suites, "--strict", "chart").stdout
    passed = int(output.split("Test Suites: ")[1].split(" passed")[0])
    assert passed == len(list(Path(CHART / "tests").rglob("*_test.yaml")))
