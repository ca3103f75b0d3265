"""What `make kind-up` does on each system, on doubles of them: see doubles.py."""

from pathlib import Path

import pytest

from k8s.cluster import docker, published
from k8s.cluster.steps import StepError
from tests.unit.k8s.cluster.doubles import MACOS, SYSTEMS, UBUNTU, Machine, System


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Make a double of the system that the test names, else of Ubuntu."""
    return Machine(getattr(request, "param", UBUNTU), tmp_path, monkeypatch)


_everywhere = pytest.mark.parametrize("machine", SYSTEMS, ids=lambda system: system.name, indirect=True)


@_everywhere
def test_a_cluster_of_published_images_comes_up(machine: Machine) -> None:
    """Neither root, Go, pip nor /proc is needed, and the programs that are fetched are this system's."""
    with machine.internet():
        machine.local().up()
    assert machine.read("cluster").strip() == published.NODE
    assert "failCgroupV1" not in machine.read("kind-config.yaml")
    assert set(published.IMAGES.values()) <= set(machine.read("images").splitlines())
    assert sorted(machine.asked) == sorted(
        f"/{name}-{machine.system.published_for}" for name in ("kind", "kubectl", "helm", "promtool")
    )
    assert not [call for tool in ("go", "apt-get", "brew") for call in machine.calls(tool)]
    assert any("upgrade --install keda" in call for call in machine.calls("helm"))


@pytest.mark.parametrize("machine", [UBUNTU, MACOS], ids=lambda system: system.name, indirect=True)
def test_a_second_time_nothing_is_fetched_or_pulled(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """An offline hour or a limit of pulls breaks no cluster that is there; and each time the mode is said, and why."""
    with machine.internet():
        machine.local().up()
    assert "pulling published images: docker pulls images here" in capsys.readouterr().out
    machine.asked.clear()
    machine.write("pull-trouble", "toomanyrequests: You have reached your pull rate limit.")
    pulled = len(machine.calls("docker pull"))
    machine.local().up()
    assert not machine.asked
    assert len(machine.calls("docker pull")) == pulled
    assert "pulling published images: the cluster there is made of published images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("machine", "said", "remedy"),
    [
        (UBUNTU, "permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
        (UBUNTU, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "systemctl start docker"),
        (MACOS, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "start Docker Desktop"),
    ],
    indirect=["machine"],
)
def test_without_an_engine_nothing_is_begun(machine: Machine, said: str, remedy: str) -> None:
    """Docker's own words are told with what to do, and neither is anything fetched nor built from source."""
    machine.write("trouble", said)
    with machine.internet(), pytest.raises(StepError) as raised:
        machine.local().up()
    assert said in str(raised.value)
    assert remedy in str(raised.value)
    assert not machine.asked
    assert {call.split()[1] for call in machine.calls("docker")} <= {"info", "container"}


@pytest.mark.parametrize("machine", [System("bare", "Linux", "x86_64", "", ("apt-get",))], indirect=True)
def test_all_that_is_missing_is_told_at_once_in_words_of_the_system(machine: Machine) -> None:
    """On a bare Debian or Ubuntu the user reads what apt-get is to install."""
    with machine.internet(), pytest.raises(StepError) as raised:
        machine.local().up()
    assert "there is no docker command: sudo apt-get install docker.io" in str(raised.value)
    assert not machine.asked


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("toomanyrequests: You have reached your pull rate limit.", "docker login"),
        ('Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout', "docker pull hello-world"),
        ('Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "which proxy"),
        ("manifest for mirror.example.com/a:1 not found: manifest unknown", "docs/mirror.md"),
    ],
)
def test_without_pulls_nothing_is_built_that_was_not_asked_for(machine: Machine, said: str, remedy: str) -> None:
    """On a host that does not build by itself the user hears docker's words, what to do, and how to have it built."""
    machine.write("pull-trouble", said)
    with machine.internet(), pytest.raises(StepError) as raised:
        machine.local().up()
    for words in (said, remedy, "MODE=build"):
        assert words in str(raised.value)
    assert not machine.asked


@pytest.mark.parametrize(
    "machine",
    [System("debian-12", "Linux", "x86_64", "x86_64", ("docker", "openssl", "apt-get"), user_id=0)],
    indirect=True,
)
def test_who_has_no_go_hears_why_nothing_is_pulled(machine: Machine) -> None:
    """Root on Debian could have all installed but Go, and its lack is not what stands in the way."""
    machine.write("pull-trouble", "dial tcp: lookup registry-1.docker.io: no such host")
    with machine.internet(), pytest.raises(StepError, match="docker pulls no images here: dial tcp"):
        machine.local().up()


def test_an_engine_that_hangs_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is an answer to the user, and no ground to build."""
    monkeypatch.setattr(docker, "PULL_SECONDS", 0.1)
    machine.write("hangs", "")
    with machine.internet(), pytest.raises(StepError, match="did not answer within"):
        machine.local().up()


@pytest.mark.parametrize(("there", "asked"), [(published.NODE, "build"), ("localhost/kind-node:v1.36.3", "pull")])
def test_a_cluster_stays_what_it_was_made_as(machine: Machine, there: str, asked: str) -> None:
    """Another mode than the cluster's is refused with the way to it, before anything is changed."""
    machine.write("cluster", there)
    machine.program("go", "echo go1.999.0")
    with machine.internet(), pytest.raises(StepError, match="`make kind-down` first, or leave MODE out"):
        machine.local(asked).up()
    assert machine.read("cluster") == there
    assert not machine.asked


def test_programs_that_cannot_be_fetched_are_compiled_where_go_is(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A host that reaches a registry and no forge says so and compiles them; without Go the error names the address."""
    with machine.internet():
        pass  # nobody serves them any more
    with pytest.raises(StepError, match=r"cannot fetch http://127\.0\.0\.1"):
        machine.local().up()
    machine.program("go", 'case "$1" in env) echo go1.999.0;; *) echo "no compiler" >&2; exit 1;; esac')
    with pytest.raises(StepError, match="no compiler"):
        machine.local().up()
    assert "compiling them: cannot fetch http://127.0.0.1" in capsys.readouterr().out


def test_low_limits_of_inotify_are_told_with_the_command(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Ubuntu's are low for three nodes, and only root can raise them; and nodes that pull are waited for longer."""
    limits = machine.folder / "root/proc/sys/fs/inotify"
    limits.mkdir(parents=True)
    (limits / "max_user_instances").write_text("128\n")
    (limits / "max_user_watches").write_text("1048576\n")
    with machine.internet():
        machine.local().up()
    assert "sudo sysctl fs.inotify.max_user_instances=512\n" in capsys.readouterr().out
    waits = [call for call in machine.calls("kubectl") if " wait deployment " in call]
    assert waits
    assert all("--timeout=900s" in call for call in waits)
