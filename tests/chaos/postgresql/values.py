from typing import Any

from tests.chaos.experiment import Extent
from tests.chaos.values import CPU_OUT_OF_REACH
from tests.e2e.release import merged

# The service's users, of which the caches hold few: who reads any of them asks the database.
SEEDED_USERS = 100_000
# A second, beside each other; the reads are the rest of two cores, while a third of the clients wait.
READS_BESIDE, WRITES = Extent(50, short=20), Extent(100, short=25)

# A server with one replica, and four pods of the service that the autoscaler has no reason to change.
VALUES: dict[str, Any] = {
    "postgresql": {"mode": "bundled", "replicas": 1, "backup": {"enabled": False}},
    "autoscaling": {"minReplicas": 4, **CPU_OUT_OF_REACH, "requestRate": {"targetPerReplica": 200}},
}
NO_REPLICA: dict[str, Any] = {"postgresql": {"replicas": 0}}
# Each server on a worker of its own, away from the way in: the node of one can be lost without anything else of it.
ON_WORKERS = merged(
    VALUES,
    {
        "postgresql": {
            "bundled": {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "ingress-ready", "operator": "DoesNotExist"}]}
                            ]
                        }
                    },
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {
                                    "matchExpressions": [
                                        {
                                            "key": "app.kubernetes.io/component",
                                            "operator": "In",
                                            "values": ["postgresql-primary", "postgresql-replica"],
                                        }
                                    ]
                                },
                            }
                        ]
                    },
                }
            }
        }
    },
)
