"""The chart's values and the service's settings are one: what renders starts, and nothing else is rendered."""

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from k8s.chart.mapping import MADE_BY_THE_CHART, VALUES, Value
from k8s.chart.settings import further_settings, setting_schemas, table, variable
from service.fleet.settings.problems import may_be_secret
from service.settings import Settings, problems
from service.settings.rules import RULES
from tests.chart.conftest import VALUES as FILES
from tests.chart.conftest import Manifest, find, run, template

SCHEMAS = setting_schemas()
MAPPED = {value.path: SCHEMAS[value.setting] for value in VALUES if isinstance(value, Value)}
NUMBERS = {"integer", "number"}
HASH = "4C5DC9B7708905F77F5E5D16316B5DFB425E68CB326DCD55A860E90A7707031E"
# Workers need another server than uvicorn, a long stop a long grace, many connections a large database: not meant here.
AROUND = {
    "config": {"environment": "staging", "server": "granian"},
    "lifecycle": {"terminationGracePeriodSeconds": 9999},
    "postgresql": {"mode": "none"},
}


def _bounds(schema: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """The least and the most that a number may be, each with the next one beyond it."""
    step = 1 if schema["type"] == "integer" else 0.001
    found = {}
    if "exclusiveMinimum" in schema:
        found["least"] = (schema["exclusiveMinimum"] + step, schema["exclusiveMinimum"])
    if "minimum" in schema:
        found["least"] = (schema["minimum"], schema["minimum"] - step)
    if "maximum" in schema:
        found["most"] = (schema["maximum"], schema["maximum"] + step)
    return found


def _merged(values: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
    values[last] = value


def _values(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def _at(end: str, *, beyond: bool) -> dict[str, Any]:
    """Values with every number at one end of its bounds, or beyond it; further settings too, in quotes and without."""
    values: dict[str, Any] = copy.deepcopy(AROUND)
    for path, schema in MAPPED.items():
        if schema["type"] in NUMBERS and end in _bounds(schema):
            _merged(values, path, _bounds(schema)[end][beyond])
    extra = {
        variable(name): _bounds(SCHEMAS[name])[end][beyond]
        for name in further_settings()
        if SCHEMAS[name]["type"] in NUMBERS and end in _bounds(SCHEMAS[name])
    }
    values["config"]["extra"] = {name: value if len(name) % 2 else str(value) for name, value in extra.items()}
    return values


def _refusal(folder: Path, values: dict[str, Any], helm: str = "helm") -> str:
    done = run(helm, "template", "x", "chart", "--values", _values(folder, values), check=False)
    assert done.returncode != 0, "it was rendered"
    return done.stderr


def started(manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch, name: str = "users-api") -> Settings:
    """Start the service with what the pods of a rendering get."""
    for variable_ in [each for each in os.environ if each.startswith("USERS_API_")]:
        monkeypatch.delenv(variable_)
    environment = dict(find(manifests, "ConfigMap", name)["data"])
    for secret in manifests:
        if secret["kind"] == "Secret" and "static-tokens" in secret.get("stringData", {}):
            environment["USERS_API_STATIC_TOKENS"] = secret["stringData"]["static-tokens"]
    for variable_, text in environment.items():
        monkeypatch.setenv(variable_, text)
    try:
        return Settings()
    except ValidationError as error:
        pytest.fail("\n".join(problems(error)))


def test_what_renders_starts(helm: str, values: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The service takes every variable of each values file's ConfigMap and Secret, and is what the values say."""
    settings = started(template(helm, values, {}), monkeypatch)
    given: dict[str, Any] = {}
    for path in values:
        given |= yaml.safe_load(path.read_text()).get("config", {})
    assert settings.environment == given.get("environment", "production")
    assert settings.port == 8000


@pytest.mark.parametrize("end", ["least", "most"])
def test_every_bound_starts(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number at its bound passes the chart and the service, as the same number."""
    values = _at(end, beyond=False)
    settings = started(template("helm", [_values(tmp_path, values)], {}), monkeypatch)
    for name, schema in SCHEMAS.items():
        if schema["type"] in NUMBERS and end in _bounds(schema) and name not in MADE_BY_THE_CHART:
            assert getattr(settings, name) == _bounds(schema)[end][0], name


@pytest.mark.parametrize("end", ["least", "most"])
def test_nothing_beyond_a_bound_renders(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number just outside is refused by name, by the schema or the templates, and by the service."""
    values = _at(end, beyond=True)
    extra = values["config"].pop("extra")
    said = _refusal(tmp_path, values)
    numbers = {path for path, schema in MAPPED.items() if schema["type"] in NUMBERS and end in _bounds(schema)}
    assert len(numbers) > 8
    assert not [path for path in numbers if f"/{path.replace('.', '/')}'" not in said]
    said = _refusal(tmp_path, {"config": {"extra": extra}})
    assert len(extra) > 15
    assert not [name for name in extra if f"config.extra.{name} {extra[name]} " not in said]
    for name, schema in SCHEMAS.items():
        if schema["type"] in NUMBERS and end in _bounds(schema):
            monkeypatch.setenv(variable(name), str(_bounds(schema)[end][1]))
            with pytest.raises(ValidationError) as caught:
                Settings()
            monkeypatch.delenv(variable(name))
            assert problems(caught.value)[0].startswith(variable(name))


def test_every_word_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the words that a value may be renders and starts, and none other renders."""
    words = {path: schema["enum"] for path, schema in MAPPED.items() if "enum" in schema}
    assert set(words) == {"config.environment", "config.server", "config.logLevel"}
    for number in range(max(map(len, words.values()))):
        values: dict[str, Any] = {}
        for path, choices in words.items():
            _merged(values, path, choices[number % len(choices)])
        started(template("helm", [_values(tmp_path, values)], {}), monkeypatch)
    for path in words:
        values = {}
        _merged(values, path, "other")
        assert path.replace(".", "/") in _refusal(tmp_path, values)


@pytest.mark.parametrize(
    ("given", "setting", "value"),
    [
        ({"config": {"trustedProxies": ["10.244.1.0/16"]}}, "trusted_proxies", ["10.244.0.0/16"]),
        ({"config": {"trustedProxies": ["fd00::1/8"]}}, "trusted_proxies", ["fd00::/8"]),
        ({"config": {"trustedProxies": ["10.1.2.3"]}}, "trusted_proxies", ["10.1.2.3/32"]),
        ({"config": {"logLevel": None}}, "log_level", "INFO"),
        ({"config": {"environment": None}}, "environment", "production"),
        ({"config": {"rateLimit": {"windowSeconds": 0.5}}}, "rate_limit_window_seconds", 0.5),
        ({"config": {"rateLimit": {"requests": 6000000}}}, "rate_limit_requests", 6000000),
        ({"config": {"accessLogSampleRatio": 0.0000001}}, "access_log_sample_ratio", 1e-7),
        ({"config": {"extra": {"USERS_API_CACHE_L1_BYTES": 104857600}}}, "cache_l1_bytes", 104857600),
        ({"config": {"extra": {"USERS_API_CACHE_L2_ENABLED": "off"}}}, "cache_l2_enabled", False),
        ({"config": {"extra": {"USERS_API_CACHE_L2_ENABLED": False}}}, "cache_l2_enabled", False),
        ({"config": {"extra": {"USERS_API_CACHE_TTL_SECONDS": None}}}, "cache_ttl_seconds", 60),
        ({"auth": {"jwt": {"jwksUrl": "http://[fd00::1]:8080/keys"}}}, "jwt_jwks_url", "http://[fd00::1]:8080/keys"),
        ({"tracing": {"enabled": True, "endpoint": "http://otel:4318"}}, "otel_endpoint", "http://otel:4318"),
    ],
)
def test_values_mean_what_they_say(
    given: dict[str, Any], setting: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people write reaches the service as it was meant, and a blank value is the default."""
    settings = started(template("helm", [_values(tmp_path, given)], {}), monkeypatch)
    found = getattr(settings, setting)
    assert ([str(each) for each in found] if isinstance(found, tuple) else found) == value


def test_tokens_and_overrides_reach_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash in upper case is the same hash, and an override may be written in either case of names."""
    overrides = [
        {"requests": 5, "windowSeconds": 10, "route": "/api/users/{user_id}"},
        {"requests": 6, "window_seconds": 10, "subject": "ci", "route": None},
    ]
    tokens = [{"sha256": HASH, "subject": "a"}, {"token": "test-token", "subject": "b", "scopes": ["users:read"]}]
    values = {
        "config": {"environment": "staging", "rateLimit": {"overrides": overrides}},
        "auth": {"staticTokens": tokens},
    }
    settings = started(template("helm", [_values(tmp_path, values)], {}), monkeypatch)
    assert {token.sha256 for token in settings.tokens} == {HASH.lower()}
    assert [(each.requests, each.window_seconds) for each in settings.rate_limit_overrides] == [(5, 10), (6, 10)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("config.corsOrigins=['*']", "config.corsOrigins[0] * must be an origin"),
        ("config.corsOrigins=[https://app.example.com/]", "without a path or a last slash"),
        ("config.rateLimit.windowSeconds=86400", "/config/rateLimit/windowSeconds"),
        ("config.keepAliveSeconds=7200", "/config/keepAliveSeconds"),
        ("config.shutdownDrainSeconds=900", "/config/shutdownDrainSeconds"),
        ("config.shutdownDelaySeconds=700", "/config/shutdownDelaySeconds"),
        ("config.trustedProxies=[10.0.0.0/33]", "config.trustedProxies[0] 10.0.0.0/33 must be a network such as"),
        ("config.trustedProxies=[everybody]", "config.trustedProxies[0] everybody must be a network"),
        ("config.trustedProxies=[0.0.0.0/0]", "not /0, which would believe what anybody makes up"),
        ("config.trustedProxies=['fd00::/129']", "config.trustedProxies[0] fd00::/129 must be a network"),
        ("config.rateLimit.overrides=[{requests: 1, windowSeconds: 1}]", "overrides[0] needs a route, a subject"),
        ("config.rateLimit.overrides=[{requests: 1, route: /api}]", "overrides[0] has no window_seconds: set it"),
        (
            "config.rateLimit.overrides=[{requests: 1, window: 1, route: /api}]",
            "overrides[0].window is not a setting: did you mean window_seconds?",
        ),
        (
            "config.rateLimit.overrides=[{requests: 0, windowSeconds: 4000, route: api}]",
            r"requests 0 is below 1.*route api must be a path.*windowSeconds 4000 is above 3600",
        ),
        (
            "config.rateLimit.overrides=[{requests: 1, windowSeconds: 1, route: '/{id}/{id:int}'}]",
            "overrides[0].route /{id}/{id:int} names a parameter twice: give each a name of its own",
        ),
        ("auth.staticTokens=[{sha256: abc, subject: a}]", "auth.staticTokens[0].sha256 must be the SHA-256"),
        ("auth.staticTokens=[{token: a, subject: b, scopes: users:read}]", "scopes must be a list, such as [a, b]"),
        ("auth.staticTokens=[{token: a, subject: b, scopes: [7]}]", "scopes[0] is not text: put it in quotes"),
        ("auth.staticTokens=[{token: a, subject: 7}]", "auth.staticTokens[0].subject is not text: put it in quotes"),
        ("auth.staticTokens=[{token: 7, subject: a}]", "auth.staticTokens[0].token is not text: put it in quotes"),
        ("auth.staticTokens=[{token: '', subject: a}]", "auth.staticTokens[0].token is empty"),
        ("auth.staticTokens=[{token: a, subjct: a}]", "subjct is not a setting: did you mean subject?"),
        ("auth.jwt.jwksUrl=issuer.example.com/keys", "auth.jwt.jwksUrl must be an address"),
        ("auth.jwt.leewaySeconds=301", "/auth/jwt/leewaySeconds"),
        ("tracing.endpoint=otel:4318", "tracing.endpoint must be an address"),
        ("config.extra={USERS_API_CACHE_TTL_SECONDS: abc}", "USERS_API_CACHE_TTL_SECONDS abc must be a number"),
        ("config.extra={USERS_API_CACHE_L1_BYTES: 1.5}", "USERS_API_CACHE_L1_BYTES 1.5 must be a whole number"),
        ("config.extra={USERS_API_CACHE_L2_ENABLED: maybe}", "maybe must be true or false"),
        ("config.extra={USERS_API_CACHE_L2_ENABLED: [true]}", "must be true or false"),
        ("config.extra={USERS_API_CACH_TTL_SECONDS: '5'}", "did you mean USERS_API_CACHE_TTL_SECONDS?"),
        ("config.extra={USERS_API_LOGLEVEL: INFO}", "did you mean USERS_API_LOG_LEVEL?"),
        ("config.extra={USERS_API_QQQ: '5'}", "USERS_API_QQQ is not a setting of the service: docs/settings.md"),
        ("config.extra={CACHE_TTL_SECONDS: '5'}", "names begin with USERS_API_: use extraEnv for other"),
        ("config.extra={USERS_API_LOG_LEVEL: DEBUG}", "LOG_LEVEL is not set here: set config.logLevel"),
        ("config.extra={USERS_API_HOST: '::'}", "HOST is not set here: the chart sets it"),
        ("extraEnv=[{name: USERS_API_CACHE_TTL_SECOND, value: '5'}]", "did you mean USERS_API_CACHE_TTL_SECONDS?"),
        ("extraEnv=[{name: USERS_API_CACHE_TTL_SECONDS, value: '0'}]", "USERS_API_CACHE_TTL_SECONDS 0 must be above 0"),
        ("extraEnv=[{name: USERS_API_TRUSTED_PROXIES, value: '10.0.0.0/33'}]", "[0] 10.0.0.0/33 must be a network"),
        ("extraEnv=[{name: USERS_API_CORS_ORIGINS, value: '[\"*\"]'}]", "_CORS_ORIGINS[0] * must be an origin"),
        ('extraEnv=[{name: USERS_API_STATIC_TOKENS, value: \'[{"token": "a"}]\'}]', "TOKENS[0].token is no"),
        ("extraEnv=[{name: USERS_API_REDIS_URL, value: 'redis//:hunter2@c'}]", "USERS_API_REDIS_URL must be an"),
        ("extraEnv=[{name: USERS_API_WORKERS, value: '2'}]", "config.workers above 1 needs config.server gunicorn or"),
        ("extraEnv=[{name: USERS_API_SERVER, value: flask}]", "extraEnv USERS_API_SERVER flask must be one of uvicorn"),
    ],
)
def test_what_would_not_start_is_refused(given: str, said: str, tmp_path: Path) -> None:
    """The rendering stops, and names the value and what to write."""
    path, _, value = given.partition("=")
    values: dict[str, Any] = {"config": {"environment": "staging"}}
    _merged(values, path, yaml.safe_load(value))
    message = _refusal(tmp_path, values)
    assert said in message or re.search(said, message.replace("\n", " ")), message


def test_a_refusal_shows_no_token(tmp_path: Path) -> None:
    """What may be a token by mistake is named by its place only."""
    tokens = [{"sha256": "hunter2", "subject": "a"}]
    assert "hunter2" not in _refusal(tmp_path, {"config": {"environment": "staging"}, "auth": {"staticTokens": tokens}})


def _misspelt() -> Iterator[tuple[str, str]]:
    for name in further_settings():
        right = variable(name)
        middle = (len(right) + len("USERS_API_")) // 2
        yield f"{right[:middle]}{right[middle + 1 :]}", right
        yield f"{right}S", right
        yield right.removesuffix("_SECONDS").removesuffix("_BYTES") + "_", right


def test_a_misspelt_name_is_told_the_right_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chart and service each name the setting that was meant, whether a letter is missing or one too many."""
    wrong = {misspelt: right for misspelt, right in _misspelt() if misspelt not in {variable(name) for name in SCHEMAS}}
    said = _refusal(tmp_path, {"config": {"extra": dict.fromkeys(wrong, "1")}})
    assert not [
        misspelt
        for misspelt, right in wrong.items()
        if f"config.extra.{misspelt} is not a setting of the service: did you mean {right}?" not in said
    ]
    for misspelt in wrong:
        monkeypatch.setenv(misspelt, "1")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert {f"{misspelt} is not a setting: did you mean {right}?" for misspelt, right in wrong.items()} <= set(
        problems(caught.value)
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "+".join(each.setting for each in rule.conditions))
def test_each_rule_holds_on_both_sides(rule: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """What may not stand together is refused by the chart in its names, and by the service in its own."""
    examples: dict[str, Any] = {
        "static_tokens": [{"sha256": HASH, "subject": "a"}],
        "jwt_jwks_url": "https://issuer.example.com/keys",
        "jwt_jwks_file": "/keys/jwks.json",
        "database_replica_urls": ["postgresql://replica/users"],
    }
    paths = {value.setting: value.path for value in VALUES if isinstance(value, Value)}
    named = {condition.setting for condition in rule.conditions}
    settings: dict[str, Any] = {} if "database_url" in named else {"database_url": "postgresql://db/users"}
    values: dict[str, Any] = {} if "environment" in named else {"config": {"environment": "staging"}}
    for condition in rule.conditions:
        if condition.operator == "unset":
            values["postgresql"] = {"mode": "none"}
            continue
        value = condition.value + 1 if condition.operator == "above" else condition.value
        settings[condition.setting] = value = examples.get(condition.setting, value)
        if condition.setting not in paths and may_be_secret(Settings.model_fields[condition.setting]):
            values["extraEnv"] = [{"name": variable(condition.setting), "value": json.dumps(value)}]
        else:
            _merged(values, paths.get(condition.setting, f"config.extra.{variable(condition.setting)}"), value)
        assert condition.operator == "set" or condition.setting in paths, "the chart must know its default"
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(settings)
    (line,) = problems(caught.value)
    assert all(variable(each) in line for each in settings if f"{{{each}}}" in rule.remedy)
    (remedy,) = [each["remedy"] for each in table()["rules"] if each["remedy"] in _refusal(tmp_path, values)]
    assert not re.search(r"(?<!config\.extra\.)(?<!extraEnv )USERS_API_", remedy)
    if any(condition.operator == "unset" for condition in rule.conditions):  # which may come from there
        values["extraEnvFrom"] = [{"secretRef": {"name": "settings"}}]
        run("helm", "template", "x", "chart", "--values", _values(tmp_path, values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"auth": {"existingSecret": "mine"}}, "static tokens don't expire"),
        ({"extraEnv": [{"name": "USERS_API_STATIC_TOKENS", "valueFrom": {"secretKeyRef": {}}}]}, "don't expire"),
        ({"extraEnv": [{"name": "USERS_API_FAULTS_ENABLED", "value": "on"}]}, "breaks the service on request"),
    ],
)
def test_rules_hold_for_what_comes_another_way(values: dict[str, Any], said: str, tmp_path: Path) -> None:
    """Tokens that lie in a Secret are static tokens too, and a variable in extraEnv is the setting that it names."""
    assert said in _refusal(tmp_path, values)


@pytest.mark.parametrize("path", ["replicaCount", "autoscaling.minReplicas", "autoscaling.maxReplicas"])
def test_the_replicas_are_bounded_as_what_they_share(path: str) -> None:
    """A number of replicas that the schema takes is one that each of them takes for its share of the limits."""
    schema = json.loads(Path("chart/values.schema.json").read_text())
    for key in path.split("."):
        schema = schema["properties"][key]
    assert schema["maximum"] == setting_schemas()["rate_limit_expected_replicas"]["maximum"]


def test_every_setting_has_a_place() -> None:
    """Each setting is a value, is made by the chart, or is taken by config.extra; and what holds a secret by none."""
    shown = table()
    extra = {variable(name) for name in further_settings()}
    assert {variable(name) for name in Settings.model_fields} == set(shown["settings"])
    assert set(shown["settings"]) == extra | set(shown["elsewhere"])
    assert not extra & set(shown["elsewhere"])
    assert set(MADE_BY_THE_CHART) <= set(Settings.model_fields)


def test_all_values_files_are_started() -> None:
    """The files that these tests start are those of all the chart's tests."""
    assert len(FILES) >= 4
