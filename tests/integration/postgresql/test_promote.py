import shutil

import pytest

from tests.integration.postgresql.conftest import Pods, make_users, users

pytestmark = pytest.mark.integration


def test_a_primary_lost_for_good_is_made_again_from_a_replica(pods: Pods) -> None:
    """Promoted by one command, a replica gives its data to the new primary, and all follow that one by themselves."""
    pods.start()
    make_users(pods.primary)
    pods.wait_for_replicas(2)
    chosen, _ = pods.replicas
    refused = chosen.carry_out("promote.sh")
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    pods.primary.lose_files()
    promoted = chosen.carry_out("promote.sh")
    assert promoted.returncode == 0, promoted.stderr
    pods.primary.start()
    assert users(pods.primary) == "3"
    pods.wait_for_replicas(2)
    assert "cannot be followed: promoted" in chosen.log
    assert pods.primary.as_role("users_app", "INSERT INTO users VALUES (4, 'after')") == ""
    pods.wait_for_replicas(2)
    assert [users(replica) for replica in pods.replicas] == ["4", "4"]
    # Once more, with the other one: nothing of the first time is in the way.
    pods.primary.lose_files()
    assert pods.replicas[1].carry_out("promote.sh").returncode == 0
    pods.primary.start()
    assert users(pods.primary) == "4"


def test_an_old_primary_does_not_come_back_beside_a_promoted_replica(pods: Pods) -> None:
    """Files from before the promotion are not served: there would be two primaries."""
    pods.start()
    make_users(pods.primary)
    pods.wait_for_replicas(2)
    pods.primary.end()
    assert pods.replicas[0].carry_out("promote.sh").returncode == 0
    pods.primary.begin()
    assert pods.primary.exits() == 1
    assert "a replica was promoted after these files were written" in pods.primary.log
    shutil.rmtree(pods.primary.data)
    pods.primary.start()
    assert users(pods.primary) == "3"


def test_the_replica_with_the_last_writes_is_the_one_to_promote(pods: Pods) -> None:
    """A replica that has received less than another one is not made the primary."""
    pods.start()
    behind, ahead = pods.replicas
    behind.stop()
    make_users(pods.primary)
    pods.wait_for_replicas(1)
    pods.primary.end()
    behind.start()
    refused = behind.carry_out("promote.sh")
    assert refused.returncode == 1
    assert "promote that one" in refused.stderr
    assert ahead.carry_out("promote.sh").returncode == 0
    assert "no replica" in ahead.carry_out("promote.sh").stderr
