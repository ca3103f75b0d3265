from pathlib import Path

import pytest

from k8s.policies.trim import trim

_QUEUE = """	queue := &expr.Queue{Num: uint16(c.config.QueueID)}
	if c.config.FailOpen {
		queue.Flag = expr.QueueFlagBypass
	}
"""


def _module(root: Path, *, places: int) -> Path:
    package = root / "pkg" / "networkpolicy"
    package.mkdir(parents=True)
    (package / "controller.go").write_text("package networkpolicy\n\n" + _QUEUE * places, encoding="utf-8")
    return root


def test_packets_are_queued_by_a_target_that_each_kernel_has(tmp_path: Path) -> None:
    """Both chains queue by the target of xtables, and neither by the expression that a kernel may lack."""
    target = tmp_path / "trimmed"
    trim(_module(tmp_path / "module", places=2), target)
    rules = (target / "pkg/networkpolicy/controller.go").read_text(encoding="utf-8")
    assert rules.count("queueTarget(c.config.QueueID, c.config.FailOpen)") == 2
    assert "expr.Queue" not in rules
    assert 'Name: "NFQUEUE", Rev: 3' in (target / "pkg/networkpolicy/queue.go").read_text(encoding="utf-8")


def test_a_source_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Where the rules are made in another way, the error names the file to update."""
    with pytest.raises(ValueError, match=r"update k8s/policies/trim\.py"):
        trim(_module(tmp_path / "module", places=1), tmp_path / "trimmed")
