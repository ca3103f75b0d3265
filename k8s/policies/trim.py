"""Makes kube-network-policies queue packets by the target NFQUEUE of xtables, which nftables takes too.

nftables' own expression for it is an option of the kernel (NFT_QUEUE) that some are built without, among them those of
small virtual machines; then none of the rules can be set. The target does the same.
"""

from pathlib import Path

from k8s.cluster import sources

_PACKAGE = Path("pkg") / "networkpolicy"
_RULES = _PACKAGE / "controller.go"
_QUEUE = """	queue := &expr.Queue{Num: uint16(c.config.QueueID)}
	if c.config.FailOpen {
		queue.Flag = expr.QueueFlagBypass
	}
"""
# Of all pods' packets, and of DNS' before that.
_PLACES = 2
_TARGET = """package networkpolicy

import (
	"encoding/binary"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

// queueTarget is struct xt_NFQ_info_v3, filled up to a multiple of eight bytes:
// the queue, how many from there, and whether packets pass when nobody listens.
func queueTarget(queue int, bypass bool) *expr.Target {
	info := make(xt.Unknown, 8)
	binary.NativeEndian.PutUint16(info, uint16(queue))
	binary.NativeEndian.PutUint16(info[2:], 1)
	if bypass {
		binary.NativeEndian.PutUint16(info[4:], 1)
	}
	return &expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}
}
"""


def trim(module: Path, target: Path) -> None:
    """Copy the kube-network-policies module to `target` with rules that any kernel takes.

    Raises:
        ValueError: the source no longer has the shape this expects; says where.
    """
    text = (module / _RULES).read_text(encoding="utf-8")
    if text.count(_QUEUE) != _PLACES:
        message = f"kube-network-policies' {_RULES} queues packets in another way: update k8s/policies/trim.py"
        raise ValueError(message)
    sources.copy(module, target, "test-data")
    changed = text.replace(_QUEUE, "\tqueue := queueTarget(c.config.QueueID, c.config.FailOpen)\n")
    (target / _RULES).write_text(changed, encoding="utf-8")
    (target / _PACKAGE / "queue.go").write_text(_TARGET, encoding="utf-8")
