from pathlib import Path

from loadtests.timeline.k6_output import K6Output

HEADER = "metric_name,timestamp,metric_value,check,error\n"


def _line(metric: str, second: int, value: float) -> str:
    return f'{metric},{second},{value:f},,"a, b"\n'


def test_percentile_is_the_nearest_rank(tmp_path: Path) -> None:
    """The p95 of twenty durations is the nineteenth, of one that one, of none nothing."""
    path = tmp_path / "k6.csv"
    lines = [_line("http_req_duration", 100, ms) for ms in range(20, 0, -1)]
    path.write_text(HEADER + "".join(lines) + _line("http_req_duration", 101, 7))
    output = K6Output(path)
    output.update()
    assert [output.p95_ms(second) for second in (100, 101, 102)] == [19, 7, None]


def test_failures_add_up(tmp_path: Path) -> None:
    """Failures count from their second on."""
    path = tmp_path / "k6.csv"
    failures = [_line("http_req_failed", second, failed) for second, failed in ((1, 0), (2, 1), (2, 1), (4, 1))]
    path.write_text(HEADER + "".join(failures))
    output = K6Output(path)
    output.update()
    assert [output.failed_total(second) for second in (1, 2, 3, 4)] == [0, 2, 2, 3]


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """A line that k6 has half written counts once, after its end came; before the file exists there is nothing."""
    path = tmp_path / "k6.csv"
    output = K6Output(path)
    output.update()
    line = _line("http_req_failed", 1, 1)
    path.write_text(HEADER + line + line[:10])
    output.update()
    assert output.failed_total(1) == 1
    with path.open("a") as file:
        file.write(line[10:])
    output.update()
    assert output.failed_total(1) == 2
