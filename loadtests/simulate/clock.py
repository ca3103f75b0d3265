import copy
import time
from dataclasses import dataclass
from typing import Any


@dataclass
class Clock:
    """Simulated time, which runs `speed` times as fast as this host's; it stands at 0 until it is started."""

    speed: int
    _started: float | None = None
    _stopped_at: float | None = None

    def start(self) -> None:
        """Let time run."""
        self._started = time.monotonic()

    def stop(self) -> None:
        """Let time stand still."""
        self._stopped_at = self.now()

    def now(self) -> float:
        """Give the simulated seconds since the start."""
        if self._stopped_at is not None:
            return self._stopped_at
        return 0.0 if self._started is None else (time.monotonic() - self._started) * self.speed

    def sleep_until(self, second: float) -> None:
        """Sleep until the simulated `second`."""
        time.sleep(max(0.0, (second - self.now()) / self.speed))


def compressed(behavior: dict[str, Any], speed: int) -> tuple[dict[str, Any], list[str]]:
    """Divide every period of an HPA's behavior by `speed`; also tells what had to be rounded to whole seconds."""
    divided = copy.deepcopy(behavior)
    rounded: list[str] = []

    def divide(rules: dict[str, Any], name: str, least: int, where: str) -> None:
        if rules.get(name):
            exact = rules[name] / speed
            rules[name] = max(least, round(exact))
            if rules[name] != exact:
                rounded.append(f"{where}.{name}: {round(exact * speed)} s as {rules[name] * speed} s")

    for direction, rules in divided.items():
        divide(rules, "stabilizationWindowSeconds", 0, direction)
        for policy in rules.get("policies", ()):
            divide(policy, "periodSeconds", 1, f"{direction}.{policy['type']}")
    return divided, rounded
