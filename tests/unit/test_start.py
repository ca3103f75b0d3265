import os
import subprocess
import sys

from service.dev import free_port

# Of OpenTelemetry FastAPI loads the API alone.
TRACING = ("opentelemetry.exporter", "opentelemetry.instrumentation", "opentelemetry.sdk")
SLOW = (*TRACING, "psutil", "service.faults")


def _said(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_start_loads_nothing_that_it_does_not_need() -> None:
    """With the defaults neither OpenTelemetry's SDK is imported, which redis-py would use, nor the faults."""
    loaded = _said("import sys, service.app; service.app.create_app(); print(*sys.modules)")
    assert "service.fleet.redis_client" in loaded
    assert [name for name in loaded if name.startswith(SLOW)] == []


def test_an_application_without_traces_loads_nothing_of_them() -> None:
    """With the library installed on it, and a Redis named."""
    program = (
        "import sys; from fastapi import FastAPI; from service.fleet import Fleet, FleetSettings;"
        "Fleet(FastAPI(), FleetSettings('SHOP_', redis_url='redis://redis.invalid')); print(*sys.modules)"
    )
    loaded = _said(program)
    assert "service.fleet.observability.tracing" in loaded
    assert [name for name in loaded if name.startswith(TRACING)] == []


def test_a_process_that_serves_has_no_pydantic_v1() -> None:
    """FastAPI, which would load it to refuse its models, is told that there is none, and serves."""
    own = {"USERS_API_PORT": str(free_port()), "USERS_API_REDIS_URL": "", "USERS_API_ENVIRONMENT": "development"}
    with subprocess.Popen(
        (sys.executable, "-X", "importtime", "-m", "service"),
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Application startup complete" in line:
                process.terminate()
    loaded = {line.rpartition("|")[2].strip() for line in said if line.startswith("import time:")}
    assert "service.users.endpoints" in loaded
    assert "pydantic.v1.main" not in loaded


def test_a_start_builds_no_model_of_openapi() -> None:
    """FastAPI's own models stay unbuilt until /openapi.json is asked for; those of the users do not."""
    said = _said(
        "import service.app; from fastapi.openapi.models import OpenAPI; from service.users.schemas import User;"
        "print(OpenAPI.__pydantic_complete__, User.__pydantic_complete__, 'defer_build' in User.model_config)"
    )
    assert said == ["False", "True", "False"]
