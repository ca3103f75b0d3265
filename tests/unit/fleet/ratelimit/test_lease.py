from service.fleet.ratelimit.lease import Lease


def test_takes_what_it_holds() -> None:
    """Held permits are spent until they run out or expire."""
    lease = Lease.of("key", 1000, 60)
    assert lease.take(0.0) is None
    lease.permits, lease.expires_at = 2, 10.0
    taken = lease.take(5.0)
    assert taken is not None
    assert taken.allowed
    assert lease.take(10.0) is None
    assert lease.permits == 1


def test_repeats_a_refusal() -> None:
    """A fresh refusal needs no trip, and tells a time between one second and the window."""
    lease = Lease.of("key", 10, 60)
    lease.denied_until, lease.reset_at = 1.0, 500.0
    refused = lease.take(0.5)
    assert refused is not None
    assert (refused.allowed, refused.remaining, refused.reset_seconds) == (False, 0, 60)
    lease.reset_at = 0.0
    refused = lease.take(0.5)
    assert refused is not None
    assert refused.reset_seconds == 1
    assert lease.take(1.0) is None


def test_size_follows_the_rate() -> None:
    """It grows at most twofold to half a second's need, and never beyond one percent of the limit."""
    lease = Lease.of("key", 100_000, 60)
    lease.leased_at, lease.taken, lease.size = 0.0, 1000, 10
    assert lease.next_size(1.0) == 20
    lease.size = 400
    assert lease.next_size(1.0) == 500
    lease.taken = 10_000
    assert lease.next_size(1.0) == 800
    lease.size = 800
    assert lease.next_size(1.0) == 1000
    assert Lease.of("key", 20, 60).next_size(1.0) == 1


def test_renews_only_large_leases_early() -> None:
    """A large lease is renewed before it is empty, a small one after."""
    lease = Lease.of("key", 10_000, 60)
    lease.size, lease.permits = 80, 20
    assert lease.runs_low()
    lease.permits = 21
    assert not lease.runs_low()
    lease.size, lease.permits = 4, 1
    assert not lease.runs_low()


def test_local_share() -> None:
    """The local share is allowed once a window."""
    lease = Lease.of("key", 30, 60)
    decisions = [lease.take_local(100.0, 10) for _ in range(12)]
    assert [decision.allowed for decision in decisions] == [True] * 10 + [False] * 2
    assert decisions[0].remaining == 9
    assert decisions[-1].reset_seconds == 60
    assert lease.take_local(160.0, 10).allowed


def test_a_spent_limit_stays_spent_without_redis() -> None:
    """Where Redis had nothing left of a limit, the local share is not given before its first permit is back."""
    lease = Lease.of("key", 30, 60)
    lease.global_remaining, lease.reset_at = 0, 145.0
    refused = lease.take_local(100.0, 10)
    assert (refused.allowed, refused.remaining, refused.reset_seconds) == (False, 0, 45)
    assert lease.take_local(145.0, 10).allowed


def test_small_limits_are_exact() -> None:
    """Small limits are logged by the millisecond, large ones by a sixtieth of the window."""
    assert Lease.of("key", 60, 60).slot_seconds == 0.001
    assert Lease.of("key", 61, 60).slot_seconds == 1.0
