"""What ingress-nginx refuses, Helm refuses first, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import CHART, Render, find, run

PREFIX = "nginx.ingress.kubernetes.io/"
RULES = yaml.safe_load((CHART / "files" / "ingress-nginx.yaml").read_text(encoding="utf-8"))
# Of each form, values that v1.15.1 takes and values that it does not.
EXAMPLES: dict[str, tuple[list[object], list[object]]] = {
    "affinity": (["cookie", " cookie"], ["ip", "Cookie"]),
    "affinityCanary": (["sticky", "legacy"], ["loose"]),
    "affinityMode": (["balanced", "persistent "], ["random"]),
    "authSecretType": (["auth-file", "auth-map"], ["file"]),
    "authType": (["basic", "digest"], ["bearer"]),
    "balance": (["round_robin", "ewma", "chash"], ["least_conn", "random", "EWMA"]),
    "commonName": (["CN=example.com"], ["example.com"]),
    "connectionHeader": (["close", "keep-alive"], ["upgrade"]),
    "cookieAge": (["3600", 3600, "-1"], ["1h", "1 "]),
    "cookieAgeWithSpaces": (["3600", " 3600 "], ["soon"]),
    "cookieDomain": (["off", "one.example two.example"], ["one.example", "a $b"]),
    "corsExposeHeaders": (["*, X-Request-ID", "ETag"], ["a;b"]),
    "corsMethods": (["GET, POST", "PUT"], ["GET;POST", "G3T"]),
    "corsOrigin": (["https://a.example.com, https://*.example.com:8443", "*", "null"], ["https://a.example.com/path"]),
    "errorPage": (["https://example.com/error", "/error", "@named"], ["https://example.com/?a=b"]),
    "errors": (["502,503,504", "404, 413"], ["302", "5xx"]),
    "expression": (["^(a|b)$"], ["a b", "a;b"]),
    "fastCgiIndex": (["index.php"], ["index php;", "/index.php"]),
    "headers": (["Authorization, X-Api_Key"], ["Authorization: x"]),
    "httpVersion": (["1.1", "1.0 "], ["2", "1.10"]),
    "integer": (["30", 30, "-1"], ["5s", "1.5"]),
    "length": (["65536", 65536, "8k", "10M", "1g", "0"], ["10MB", "1.5m", "unlimited", "64Ki", "10b"]),
    "list": (["200 202 5m, 401 1m"], ["200;"]),
    "method": (["GET", "PATCH"], ["get", "BREW"]),
    "natural": (["30", 30, "0"], ["5s", "1.5", "30 ", "-1", True]),
    "networks": (
        ["10.0.0.0/8, 192.0.2.7,fd00::/8", "::1"],
        ["10.0.0.0/33", "300.0.0.1", "localhost", "10.0.0.0/8,,::1"],
    ),
    "nextUpstream": (["error timeout http_502", "off"], ["error, timeout", "http_401", "error  timeout"]),
    "object": (["default/name", "name"], ["a$b", "a,b"]),
    "onOrOff": (["on", "off"], ["true", "ON", False]),
    "operation": (["read_user"], ["read/user"]),
    "protocol": (["HTTP", "grpcs", "AUTO_HTTP"], ["h2c", "AJP"]),
    "rewrite": (["/api/$1", "api"], ["/(a)", "/a b"]),
    "rewriteWithSpaces": (["/api/$1", "/a b"], ["/(a)"]),
    "sameSite": (["None", "lax", "STRICT"], ["maybe"]),
    "satisfy": (["any", "all"], ["one"]),
    "serverCiphers": (["HIGH:!aNULL:@STRENGTH", "ALL:@SECLEVEL=2"], ["HIGH;", "ALL@SECLEVEL=9"]),
    "serverName": (["users.example.com", r"~^www\d+\.example$"], ["a;b", "a b"]),
    "serverNames": (["a.example.com, b.example.com", "*.example.com"], ["a.example.com; b.example.com"]),
    "service": (["error-pages"], ["Error-Pages", "other/error-pages", "1st"]),
    "size": (["8192", 8192, "8k", "1M "], ["1g", "8kB", "8 k", "big"]),
    "sslCiphers": (["HIGH:!aNULL"], ["@STRENGTH", "a;b"]),
    "sslProtocols": (["TLSv1.2 TLSv1.3", "TLSv1.3"], ["TLSv1.1", "SSLv3"]),
    "switch": (["true", False, "1", "F"], ["yes", "on", "tRUE", " true"]),
    "url": (["https://example.com/a?b=c", "/a /b"], ["https://example.com/#a", "/a|/b"]),
    "urlWithVariables": (["https://$host/auth?rd=$request_uri"], ["https://example.com/{a}"]),
    "urlWithoutSpaces": (["https://example.com/a?b=c"], ["https://example.com/a b", "https://example.com/#a"]),
    "variable": (["$request_uri", "${remote_addr}-a"], ["$request_uri;", "a/b"]),
    "verifyClient": (["optional_no_ca", "on"], ["maybe"]),
    "words": (["Sign in here"], ['Sign "in"', "Who?"]),
}


def _rendered(path: Path, annotations: dict[str, Any], **ingress: object) -> Any:  # noqa: ANN401 - a process
    """What Helm makes of an Ingress with these annotations."""
    path.write_text(json.dumps({"ingress": {"enabled": True, "annotations": annotations, **ingress}}))
    return run("helm", "template", "users-api", "chart", f"--values={path}", check=False)


def test_each_form_has_examples_of_both_kinds() -> None:
    """Each annotation has a form that there is, and each form values that are taken and some that are not."""
    assert set(RULES["annotations"].values()) == set(RULES["forms"]) == set(EXAMPLES)
    assert all(good and bad for good, bad in EXAMPLES.values())
    assert len(RULES["annotations"]) > 120


@pytest.mark.parametrize("turn", range(6))
def test_values_that_the_controller_takes_are_rendered(tmp_path: Path, turn: int) -> None:
    """Each annotation of ingress-nginx, with what it takes, comes to be in the Ingress."""
    annotations = {}
    for name, form in RULES["annotations"].items():
        good = EXAMPLES[form][0]
        annotations[PREFIX + name] = good[turn % len(good)]
    done = _rendered(tmp_path / "values.json", annotations)
    assert done.returncode == 0, done.stderr
    assert f"{PREFIX}x-forwarded-prefix: /" in done.stdout


@pytest.mark.parametrize("turn", range(5))
def test_values_that_the_controller_refuses_are_refused_by_name(tmp_path: Path, turn: int) -> None:
    """Each annotation of ingress-nginx, with what it does not take, is named with what it wants, all at once."""
    annotations = {}
    for name, form in RULES["annotations"].items():
        bad = EXAMPLES[form][1]
        annotations[PREFIX + name] = bad[turn % len(bad)]
    done = _rendered(tmp_path / "values.json", annotations)
    assert done.returncode
    for name, form in RULES["annotations"].items():
        (said,) = [line for line in done.stderr.splitlines() if f"ingress.annotations has {PREFIX}{name} " in line]
        assert f"ingress-nginx wants {RULES['forms'][form]['wanted']}; write that" in said


def test_another_controller_is_given_any_value(tmp_path: Path) -> None:
    """With `ingress.validate` off no annotation is looked at."""
    annotations = {PREFIX + name: EXAMPLES[form][1][0] for name, form in RULES["annotations"].items()}
    assert _rendered(tmp_path / "values.json", annotations, validate=False).returncode == 0


@pytest.mark.parametrize(
    ("annotations", "refusal"),
    [
        ({f"{PREFIX}server-snippet": "return 200;"}, "ingress-nginx refuses snippets by default: leave it out"),
        ({f"{PREFIX}new-snippet": ""}, "ingress-nginx refuses snippets"),
        ({f"{PREFIX}auth-secret": "other/users"}, "503 for what is in another namespace than default: have it there"),
        (
            {"kubernetes.io/ingress.class": "nginx"},
            'Kubernetes takes one: leave the annotation out, or set className to ""',
        ),
    ],
)
def test_what_no_form_says_is_refused(tmp_path: Path, annotations: dict[str, Any], refusal: str) -> None:
    """Snippets, another namespace's objects and a class that is named twice are refused, whatever their form."""
    done = _rendered(tmp_path / "values.json", annotations)
    assert done.returncode
    assert refusal in done.stderr


def test_what_the_controller_does_not_read_is_let_alone(tmp_path: Path) -> None:
    """Annotations of others, of a fork, and without a value are rendered as they are."""
    annotations = {
        f"{PREFIX}of-a-fork": "any; value",
        f"{PREFIX}canary-by-header": "other/users",
        f"{PREFIX}proxy-read-timeout": "",
        "cert-manager.io/cluster-issuer": "a b",
        "proxy-read-timeout": "5s",
    }
    done = _rendered(tmp_path / "values.json", annotations)
    assert done.returncode == 0, done.stderr
    assert "of-a-fork: any; value" in done.stdout


def _with_paths(helm: str, path: Path, paths: list[str]) -> Any:  # noqa: ANN401 - a process
    """What Helm makes of an Ingress with these paths."""
    path.write_text(json.dumps({"ingress": {"enabled": True}, "routing": {"paths": paths}}))
    return run(helm, "template", "users-api", "chart", f"--values={path}", check=False)


def test_paths_that_the_controller_refuses_are_refused_by_name(helm: str, tmp_path: Path) -> None:
    """Other characters than letters, digits, dot, underscore, hyphen and slash, and what looks like an attack on it."""
    characters = ["/~a", "/%41", "/a(b)", "/a b", "/a+b", "/a:b", "/a,b", "/a=b", "/{id}", "/é", "/a?b", "/$1", "/a&b"]
    attacks = ["/etc/passwd", "/a/etc/nginx-b", "/var/run/secrets/a", "/content_by_lua_block"]
    said = _with_paths(helm, tmp_path / "values.json", ["/api", *characters, *attacks]).stderr
    for path in characters:
        assert f'routing.paths has "{path}": ingress-nginx takes letters, digits and . _ - / in a path' in said
    for path in attacks:
        assert f'routing.paths has "{path}": ingress-nginx takes a path like this for an attack on itself' in said
    assert '"/api"' not in said


def test_paths_that_it_takes_are_rendered(helm: str, tmp_path: Path) -> None:
    """Any other path prefix is let in."""
    paths = ["/", "/api", "/API_v1.0-beta/a", "/.well-known/x", "/etc", "/var/run", "/a/"]
    done = _with_paths(helm, tmp_path / "values.json", paths)
    assert done.returncode == 0, done.stderr
    assert all(f'path: "{path}"' in done.stdout for path in paths)


def test_a_certificate_without_hosts_is_refused() -> None:
    """ingress-nginx would serve its fake one; an HTTPRoute leaves certificates to its Gateway, so it may be without."""
    mine = ("--set=routing.tls.mode=secret", "--set=routing.tls.secretName=mine")
    refused = run("helm", "template", "users-api", "chart", "--set=ingress.enabled=true", *mine, check=False)
    assert "would serve its own fake one: name the hosts that the certificate is for" in refused.stderr
    gateway = ("--set=httpRoute.enabled=true", "--set=httpRoute.parentRefs[0].name=gateway")
    assert run("helm", "template", "users-api", "chart", *gateway, *mine).returncode == 0


@pytest.mark.parametrize("hosts", [("a.example.com",), ("*.example.com", "b.example.com")])
def test_each_host_is_named_with_the_certificate(render: Render, hosts: tuple[str, ...]) -> None:
    """Every rule's host is one of those that the certificate is for, so that none is served another."""
    settings = {"ingress.enabled": "true", "routing.tls.mode": "secret", "routing.tls.secretName": "mine"}
    settings |= {f"routing.hosts[{number}]": host for number, host in enumerate(hosts)}
    spec = find(render(**settings), "Ingress")["spec"]
    assert [rule["host"] for rule in spec["rules"]] == spec["tls"][0]["hosts"] == list(hosts)
    assert spec["tls"][0]["secretName"] == "mine"
