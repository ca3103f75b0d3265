import subprocess
import sys

SLOW = ("opentelemetry.sdk", "psutil", "service.faults")


def test_a_start_loads_nothing_that_it_does_not_need() -> None:
    """With the defaults neither OpenTelemetry's SDK is imported, which redis-py would use, nor the faults."""
    program = "import sys, service.app; service.app.create_app(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "service.redis_client" in loaded
    assert [name for name in loaded if name.startswith(SLOW)] == []
