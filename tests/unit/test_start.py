import subprocess
import sys

SLOW = ("opentelemetry.sdk", "psutil", "service.faults")


def _said(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_start_loads_nothing_that_it_does_not_need() -> None:
    """With the defaults neither OpenTelemetry's SDK is imported, which redis-py would use, nor the faults."""
    loaded = _said("import sys, service.app; service.app.create_app(); print(*sys.modules)")
    assert "service.fleet.redis_client" in loaded
    assert [name for name in loaded if name.startswith(SLOW)] == []


def test_a_start_builds_no_model_of_openapi() -> None:
    """FastAPI's own models stay unbuilt until /openapi.json is asked for; those of the users do not."""
    said = _said(
        "import service.app; from fastapi.openapi.models import OpenAPI; from service.users.schemas import User;"
        "print(OpenAPI.__pydantic_complete__, User.__pydantic_complete__, 'defer_build' in User.model_config)"
    )
    assert said == ["False", "True", "False"]
