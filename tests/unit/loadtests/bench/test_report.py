from loadtests.bench.ablation import Cost
from loadtests.bench.contestants import UNCACHED, contestants
from loadtests.bench.footprint import Soak
from loadtests.bench.lookups.lookup import WAYS
from loadtests.bench.record import Record
from loadtests.bench.report import markdown
from loadtests.bench.summary import look_up_ratios, ratios
from tests.unit.loadtests.bench.measurements import OVERLOADS, at

RESULTS = {contestant.label: [at(12_345)] * 5 for contestant in contestants()}
LOOK_UPS = {way: [at(rate)] * 5 for way, rate in (*dict.fromkeys(WAYS, 8_000).items(), (UNCACHED, 3_000))}
RECORD = Record(
    machine={"cpu": "Test CPU", "revision": "abc1234"},
    results=RESULTS,
    ratios=ratios(RESULTS),
    start_seconds=[0.9, 0.7, 0.8],
    rss_after_requests=100_123,
    rss_mib=75.0,
    look_ups=LOOK_UPS,
    look_up_ratios=look_up_ratios(LOOK_UPS),
    overloads=OVERLOADS,
    costs=[Cost("without x", 13_000.0, -4.2)],
    soak=Soak([(0.0, 74.0), (5.0, 75.0)], 0.01),
)


def test_report_shows_every_figure_a_person_asks_for() -> None:
    """Rates, ratios with their targets, start, memory, soak and the cost of a feature are all there."""
    text = markdown(RECORD)
    for expected in (
        "Medians of 5 interleaved rounds; revision abc1234",
        "| service_l1 on uvicorn   |     12,345 |     5.0 |",
        "| l1_vs_bare_fastapi          |    1.00 |    1.00 |                  1.5 |",
        "| asyncpg                |      8,000 |     5.0 |            1.00 |               |",
        "| repository_one_by_one  |      8,000 |     5.0 |            1.00 |     below 0.9 |",
        "| uncached_get           |      3,000 |     5.0 |            0.38 | at least 0.25 |",
        "| the service              |      80 |    80 |       499.0 |            9.9 |      0 |",
        "| without a gate: all wait |      40 |   120 |     3,100.0 |            9.9 |      0 |",
        "| to be under              |         |       |         500 |             10 |      1 |",
        " 0.80 |",
        "75.0 |",
        "+0.010 |",
        "-4.2 |",
    ):
        assert expected in text


def test_columns_line_up() -> None:
    """Within a table all lines have one width, so that it reads on a terminal too."""
    tables = [block.splitlines() for block in markdown(RECORD).split("\n\n") if block.startswith("|")]
    assert len(tables) == 6
    for table in tables:
        assert len({len(line) for line in table}) == 1


def test_json_has_the_ratios_of_the_default_server_on_top() -> None:
    """Who reads bench.json finds uvicorn's ratios under `ratios`, and every measurement."""
    written = RECORD.as_json()
    assert written["ratios"] == RECORD.ratios["uvicorn"]
    measurements = written["measurements"]
    assert isinstance(measurements, dict)
    assert [len(of_one) for of_one in measurements.values()] == [5] * 14
