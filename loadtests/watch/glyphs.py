from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
# Fewer columns tell nothing.
LEAST_METER = 6
EIGHTHS = " ▏▎▍▌▋▊▉█"


def sparkline(values: Sequence[float], width: int, *, top: float | None = None) -> str:
    """Draw the newest `width` values, one a column, from zero up to `top` or their greatest."""
    shown = list(values)[-width:] if width > 0 else []
    top = top or max(shown, default=0) or 1
    return "".join(BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] if value > 0 else BARS[0] for value in shown)


def meter(share: float, width: int) -> str:
    """Draw a bar of `width` columns filled to `share`, 0 to 1; nothing where that is too narrow."""
    if width < LEAST_METER:
        return ""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    return ("█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")).ljust(width)


def ago(seconds: float) -> str:
    """Write a span as people do: 12s, 3m10s, 2h05m, 4d."""
    whole = int(max(0, seconds))
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole}s"
    if whole < 3600:  # noqa: PLR2004 - of an hour
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 2 * 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d"
