"""Each setup of docs/ingress.md, with what reaches the service in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from tests.api import running

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

PAGE = Path(__file__).parents[4] / "docs" / "ingress.md"
CLIENT, MADE_UP = "203.0.113.7", "192.0.2.66"
LIMIT = 2  # without Redis a process has a share of it


@dataclass(frozen=True)
class Setup:
    """A row of the page's table."""

    controller: str
    peer: str
    forwarded_for: str
    trusted_proxies: list[str]


def _setups() -> Iterator[Setup]:
    table = PAGE.read_text(encoding="utf-8").partition(f"{Path(__file__).name} reads this table.")[2]
    _, _, *rows = (line for line in table.partition("\n- ")[0].splitlines() if line.startswith("|"))
    for row in rows:
        controller, _, peer, header, trusted = (cell.strip() for cell in row.strip("|").split("|"))
        yield Setup(controller, peer.strip("`"), header.strip("`"), [each.strip("` ") for each in trusted.split(",")])


SETUPS = tuple(_setups())
each_setup = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.controller)


async def _statuses(setup: Setup, *forwarded_for: str) -> list[int]:
    """What the setup's controller is answered for requests without a token, with these headers one after the other."""
    async with running(rate_limit_requests=LIMIT, trusted_proxies=setup.trusted_proxies) as app:
        transport = httpx.ASGITransport(app, client=(setup.peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://users.example.com") as client:
            return [
                (await client.get("/api/users/7", headers={"x-forwarded-for": header})).status_code
                for header in forwarded_for
            ]


def test_the_page_has_setups_of_each_kind() -> None:
    """Some pass on what a client made up, some connect from a node, and some trust more than the pods."""
    assert len(SETUPS) > 8
    assert {MADE_UP in setup.forwarded_for for setup in SETUPS} == {True, False}
    assert {setup.peer.partition(".")[0] for setup in SETUPS} == {"10", "172"}
    assert {len(setup.trusted_proxies) for setup in SETUPS} == {1, 2}


@each_setup
async def test_a_made_up_address_never_counts(setup: Setup) -> None:
    """A client that makes up another address each time is one client, and limited as one."""
    headers = [setup.forwarded_for.replace(MADE_UP, f"192.0.2.{number}") for number in range(LIMIT + 1)]
    first, *_, last = await _statuses(setup, *headers)
    assert (first, last) == (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)


@each_setup
async def test_clients_have_limits_of_their_own(setup: Setup) -> None:
    """Another client's requests are not counted with the first one's, though both come from one controller."""
    headers = [setup.forwarded_for.replace(CLIENT, f"203.0.113.{number}") for number in range(LIMIT + 1)]
    assert await _statuses(setup, *headers) == [HTTPStatus.UNAUTHORIZED] * (LIMIT + 1)


async def test_a_load_balancer_that_is_not_trusted_is_all_its_clients() -> None:
    """Where its network is missing among the trusted ones, its clients share one limit, and none passes for another."""
    setup = next(setup for setup in SETUPS if len(setup.trusted_proxies) > 1 and MADE_UP in setup.forwarded_for)
    without = Setup(setup.controller, setup.peer, setup.forwarded_for, setup.trusted_proxies[:1])
    headers = [setup.forwarded_for.replace(CLIENT, f"203.0.113.{number}") for number in range(LIMIT + 1)]
    assert (await _statuses(without, *headers))[-1] == HTTPStatus.TOO_MANY_REQUESTS
