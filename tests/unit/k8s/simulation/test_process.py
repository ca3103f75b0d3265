import sys
from pathlib import Path

import pytest

from k8s.cluster.steps import StepError
from k8s.simulation.process import Process, running

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


def test_it_ends_with_the_block(tmp_path: Path) -> None:
    """Also when the block fails."""
    started: list[Process] = []

    def fail() -> None:
        with running("sleeper", SLEEP, tmp_path) as process:
            started.append(process)
            process.require_running()
            raise RuntimeError("the block failed")

    with pytest.raises(RuntimeError, match="the block failed"):
        fail()
    assert started[0].popen.returncode is not None


def test_one_that_has_ended_is_told_with_its_last_words(tmp_path: Path) -> None:
    """The error says where the rest of its output is."""
    command = (sys.executable, "-c", "import sys; sys.exit('no room')")
    with running("server", command, tmp_path) as process:
        process.popen.wait(30)
        with pytest.raises(StepError, match=r"server ended with status 1(.|\n)*server.log(.|\n)*no room"):
            process.require_running()


def test_usage_is_read_while_it_runs(tmp_path: Path) -> None:
    """A process has used some memory as soon as it is there, and its CPU time is no less than nothing."""
    with running("sleeper", SLEEP, tmp_path) as process:
        assert process.usage.peak_rss_bytes > 0
        assert process.usage.cpu_seconds >= 0
