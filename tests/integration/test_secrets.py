import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.issuer import RSA, jwks
from tests.redis_process import RedisProcess
from tests.service_process import ServiceProcess, read_to_end

pytestmark = pytest.mark.integration

PATHS = ("/api/users/1", "/api/users/1001", "/api/users/x", "/api/users", "/nowhere", "/api/faults/status/500")


@pytest.mark.measured
@pytest.mark.parametrize("server", ["uvicorn", "gunicorn", "granian"])
def test_no_token_is_written_anywhere(server: str, tmp_path: Path, redis: RedisProcess) -> None:
    """Neither log (each request, at DEBUG) nor metrics nor Redis hold any part of a token, valid or not."""
    keys = tmp_path / "jwks.json"
    keys.write_bytes(jwks(RSA))
    valid, expired = RSA.sign(sub="alice").decode(), RSA.sign(exp=int(time.time()) - 3600).decode()
    forged = valid.rpartition(".")[0] + "." + "A" * 342
    headers = [
        "Bearer test-token",
        "Bearer wrong-token-0123456789",
        f"Bearer {valid}",
        f"Bearer {expired}",
        f"Bearer {forged}",
        f"bearer  {valid} and more",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Bearer not,a,token",
    ]
    log = tmp_path / "log"
    with ServiceProcess(
        log,
        server=server,
        redis_url=redis.url,
        log_level="DEBUG",
        access_log_sample_ratio=1,
        faults_enabled=True,
        jwt_jwks_file=str(keys),
    ) as service:
        statuses = {path: {service.get(path, authorization=header)[0] for header in headers} for path in PATHS}
        post(service.port, f"Bearer {valid}", b"{")
        unparsable(service, f"Bearer {valid}")
        metrics = service.get("/metrics")[2].decode()
        stored = redis.command("KEYS", "*").decode()
    assert statuses["/api/users/1"] == {200, 401}
    assert statuses["/api/faults/status/500"] == {500}
    written = log.read_text()
    assert '"path": "/api/users/1"' in written
    assert 'status="401"' in metrics
    assert "subject:alice" in stored
    credentials = {header.split()[1] for header in headers}
    parts = credentials | {part for token in credentials for part in token.split(".")}
    assert {part for part in parts for text in (written, metrics, stored) if part in text} == set()


def post(port: int, authorization: str, body: bytes) -> None:
    """Send a body that is no JSON."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"authorization": authorization, "content-type": "application/json", "idempotency-key": "one"}
    connection.request("POST", "/api/users", body, headers)
    assert connection.getresponse().status == 422
    connection.close()


def unparsable(service: ServiceProcess, authorization: str) -> None:
    """Send what is no HTTP, with a token in it."""
    with service.connect() as connection:
        head = b"GET / HTTP/1.1\r\nauthorization: " + authorization.encode()
        connection.sendall(head + b"\r\nbroken\x00line\r\n\r\n")
        connection.settimeout(5)
        assert b"400" in read_to_end(connection)
