"""One steady rate, offered by either generator: the cheap one of `loadtests.steady`, or k6."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from k8s.client.application import USERS_API
from loadtests import steady
from loadtests.environment import environment_of
from loadtests.errors import LoadTestError
from loadtests.measure.answers import Answer, Answers
from loadtests.measure.load import K6_CORES, READ, Request, Stage, open_load

ENDED_SECONDS = 30
TIMEOUT_SECONDS = 10
# As many requests may wait as are due in so long, or a few at a low rate: more do where the rate cannot be offered.
MOST_WAITING_SECONDS, FEWEST_CLIENTS = 0.4, 50
ROOT = Path(__file__).resolve().parents[2]


class Generator(StrEnum):
    """What sends the requests."""

    STEADY = "steady"
    """`loadtests.steady`: takes less than a third of k6's CPU, which what is measured has instead."""
    K6 = "k6"

    @property
    def cores(self) -> int:
        """How many it can use."""
        return K6_CORES if self == Generator.K6 else 1


@dataclass(frozen=True)
class Offered:
    """What came of it."""

    answers: Answers
    dropped: int
    """Requests that were due and not sent, as all clients were waiting: the load was lower than planned."""
    cpu_seconds: float
    """What the generator took itself, user and system."""


def offer(  # noqa: PLR0913 - each is a choice of the load, by name
    generator: Generator,
    folder: Path,
    stage: Stage,
    *,
    environment: Mapping[str, str],
    most_waiting: int | None = None,
    request: Request = READ,
) -> Offered:
    """Offer a steady rate for a while, to its last answer; `environment` is as of `loadtests.environment`.

    `most_waiting`: what is due while so many wait is not sent; None: as many as are due in 0.4 s.

    Raises:
        LoadTestError: the generator failed, or is not there.
    """
    if most_waiting is None:
        most_waiting = max(FEWEST_CLIENTS, round(MOST_WAITING_SECONDS * stage.rate))
    if generator == Generator.K6:
        with open_load(folder, [stage], requests=(request,), environment=environment, max_vus=most_waiting) as load:
            load.join(stage.seconds + ENDED_SECONDS)
        return Offered(load.answers(), load.dropped, load.cpu_seconds)
    return _steady(folder, _work(stage, environment, most_waiting, request), request.name or request.path)


def _work(stage: Stage, environment: Mapping[str, str], clients: int, request: Request) -> dict[str, Any]:
    """Say what `python -m loadtests.steady` is to do."""
    variables = environment_of(USERS_API, {}, environment)
    url, token = urlsplit(variables["BASE_URL"]), request.token or variables["TOKEN"]
    is_tls = url.scheme == "https"
    headers = {"Host": url.netloc.rpartition("@")[2]}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Content-Type": "application/json"} if request.body is not None else {}
    return {
        "host": url.hostname,
        "port": url.port or (443 if is_tls else 80),
        "is_tls": is_tls,
        "method": request.method,
        "path": url.path.rstrip("/") + (request.path or variables["READ"]),
        "headers": headers,
        "body": "" if request.body is None else json.dumps(request.body),
        "ids": int(variables["USERS"]),
        "first_id": int(variables.get("FIRST_USER", 1)),
        "cache_header": variables["CACHE_HEADER"],
        "rate": stage.rate,
        "seconds": stage.seconds,
        "clients": clients,
        "timeout_seconds": TIMEOUT_SECONDS,
    }


def _steady(folder: Path, work: Mapping[str, Any], name: str) -> Offered:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "steady.csv"
    try:
        ended = subprocess.run(
            [sys.executable, "-m", steady.__name__, path],
            input=json.dumps(work),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=work["seconds"] + TIMEOUT_SECONDS + ENDED_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LoadTestError(f"the load did not end within {error.timeout:g} s") from error
    if ended.returncode:
        raise LoadTestError(f"the load ended with status {ended.returncode}:\n{ended.stderr.strip()}")
    with path.open(newline="", encoding="utf-8") as file:
        answers = Answers(_answer(row, name) for row in csv.DictReader(file))
    return Offered(answers, **json.loads(ended.stdout))


def _answer(row: Mapping[str, str], name: str) -> Answer:
    return Answer(
        float(row["at_s"]),
        float(row["duration_ms"]),
        int(row["status"]),
        row["error"],
        cache=row["cache"],
        name=name,
        retry_after=row["retry_after"],
    )
