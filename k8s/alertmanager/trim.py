"""Makes Alertmanager's source compile as the module proxy has it, beside Prometheus' dependencies.

The module holds the web interface's source and not what a JavaScript build makes of it, which the compiler wants to
embed: a page takes its place. And one function has another name in the version that Prometheus needs. The API, the
routing and everything else are as they are.
"""

import gzip
from pathlib import Path

from k8s.cluster import sources

_MAIN = Path("cmd") / "alertmanager" / "main.go"
_EMBEDDED = "//go:embed app/dist"
# automemlimit 1.0 renamed what 0.7 called so; the options are the same.
_RENAMED = ("memlimit.SetGoMemLimitWithOpts(", "memlimit.Set(")
_PAGE = """<!doctype html>
<title>Alertmanager</title>
<p>This build has no web interface. Its API is at <a href="api/v2/alerts">api/v2/alerts</a>.
"""


def trim(module: Path, target: Path) -> None:
    """Copy the Alertmanager module to `target` with a page in place of the interface.

    Raises:
        ValueError: the source no longer has the shape this expects; says where.
    """
    main = (module / _MAIN).read_text(encoding="utf-8")
    if _EMBEDDED not in (module / "ui" / "web.go").read_text(encoding="utf-8") or _RENAMED[0] not in main:
        message = f"Alertmanager's ui/web.go or {_MAIN} is not as it was: update k8s/alertmanager/trim.py"
        raise ValueError(message)
    sources.copy(module, target, "mantine-ui")
    (target / _MAIN).write_text(main.replace(*_RENAMED), encoding="utf-8")
    page = target / "ui" / "app" / "dist" / "index.html.gz"
    page.parent.mkdir()
    page.write_bytes(gzip.compress(_PAGE.encode(), mtime=0))
