"""Texts of a form: each has a pattern, which Python and Go read alike, and says in words what is wanted."""

import json
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class Form:
    """What a text must look like."""

    pattern: str
    wanted: str

    def check(self, text: str) -> str:
        """Return the text if it is of this form."""
        if re.fullmatch(self.pattern, text):
            return text
        # Unlike pydantic's own message this one is for people, and the chart says the same.
        raise PydanticCustomError("form", "must be {wanted}", {"wanted": self.wanted})

    @property
    def json_schema(self) -> dict[str, Any]:
        """What JSON Schema says of it; `wanted` is a keyword of our own, for messages."""
        return {"type": "string", "pattern": f"^({self.pattern})$", "wanted": self.wanted}

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check what pydantic found to be a string."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell generators the pattern."""
        return {**handler(schema), **self.json_schema}


_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"({_BYTE}[.]){{3}}{_BYTE}"
_GROUP = "[0-9a-fA-F]{1,4}"


def _around_a_gap(most: int) -> str:
    return "|".join(f"({_GROUP}:){{1,{most - after}}}(:{_GROUP}){{1,{after}}}" for after in range(1, most))


# The last two groups may be an IPv4 address, as Python 3.13 writes ::ffff:10.0.0.1.
_MIXED = f"(({_GROUP}:){{6}}|({_GROUP}:){{1,5}}:|({_around_a_gap(5)}):|:(:{_GROUP}){{0,5}}:){_IPV4}"
_IPV6 = f"(({_GROUP}:){{7}}{_GROUP}|({_GROUP}:){{1,7}}:|{_around_a_gap(7)}|:(:{_GROUP}){{1,7}}|::|{_MIXED})"
_HOST = f"([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\\[{_IPV6}\\])"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_PARAMETER = "[{][A-Za-z_][A-Za-z0-9_]*(:(str|path|int|float|uuid))?[}]"

NETWORK = Form(
    f"{_IPV4}(/([1-9]|[12][0-9]|3[0-2]))?|{_IPV6}(/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?",
    "a network such as 10.244.0.0/16 or fd00::/8; not /0, which would believe what anybody makes up",
)
ORIGIN = Form(
    f"https?://{_HOST}(:{_PORT})?".replace("A-Za-z0-9_", "a-z0-9_"),
    "an origin as browsers send it, such as https://app.example.com: in lower case, without a path or a last slash;"
    " * would let any site in",
)
HTTP_URL = Form(rf"https?://{_HOST}(:{_PORT})?([/?][!-~]*)?", "an address such as https://host.example.com/path")
REDIS_URL = Form(
    rf"|rediss?://([!-.0-~]*@)?({_HOST}(:{_PORT})?)?(/[0-9]*)?([?][!-~]*)?|unix://[!-~]+",
    "an address such as redis://host:6379/0, rediss://host:6379/0 over TLS, or empty for no Redis",
)
POSTGRES_SERVER_URL = Form(
    rf"postgres(ql)?://([!-.0-~]*@)?{_HOST}(:{_PORT})?(,{_HOST}(:{_PORT})?)*/[!->@-~]+([?][!-~]*)?",
    "an address such as postgresql://host:5432/database",
)
POSTGRES_URL = Form(f"|{POSTGRES_SERVER_URL.pattern}", f"{POSTGRES_SERVER_URL.wanted}, or empty for no PostgreSQL")
KEY_PREFIX = Form(
    "[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}",
    "up to 128 letters, digits and . _ : / -, such as namespace/release",
)
SHA256 = Form("[0-9a-fA-F]{64}", "the SHA-256 of a token, 64 hexadecimal digits: printf %s TOKEN | sha256sum")
ROUTE = Form(
    rf"(/([A-Za-z0-9._~!$&'()*+,;=:@%-]|{_PARAMETER})*)+",
    "a path such as /api/users or /api/users/{user_id}",
)

HttpUrl = Annotated[str, HTTP_URL]
RedisUrl = Annotated[str, REDIS_URL]
PostgresUrl = Annotated[str, POSTGRES_URL]
PostgresServerUrl = Annotated[str, POSTGRES_SERVER_URL]
KeyPrefix = Annotated[str, KEY_PREFIX]
Origin = Annotated[str, ORIGIN]


def _each_named_once(route: str) -> str:
    names = re.findall(r"[{]([A-Za-z0-9_]+)", route)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = "names the parameter {name} twice: give each a name of its own"
        raise PydanticCustomError("named_twice", message, {"name": twice})
    return route


# `namedOnce` is a keyword of our own too: no pattern can say it.
Route = Annotated[
    str, ROUTE, AfterValidator(_each_named_once), WithJsonSchema({**ROUTE.json_schema, "namedOnce": True})
]


def _network(value: object) -> object:
    # Host bits are dropped, as nginx, Traefik and Go do: 10.244.1.0/16 is 10.244.0.0/16.
    return ip_network(NETWORK.check(value), strict=False) if isinstance(value, str) else value


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), WithJsonSchema(NETWORK.json_schema)]


def _listed(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.startswith(("[", "{", '"')):
        return [entry.strip() for entry in value.split(",") if entry.strip()]
    try:
        parsed = json.loads(value)
    except ValueError:
        raise PydanticCustomError("list", 'is not JSON; write a list such as ["a", "b"]') from None
    return parsed if isinstance(parsed, list) else [parsed]


# A list as an environment variable has it: JSON, or texts between commas; one entry needs no brackets.
Listed = BeforeValidator(_listed)
