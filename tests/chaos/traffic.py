from loadtests.measure import Request

RATE = 200
# Reads, and writes that no proxy may send twice.
MIX = (
    Request(name="read", weight=95),
    Request(method="PATCH", body={"name": "Grace Hopper"}, name="write", weight=5),
)
