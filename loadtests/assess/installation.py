import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Any

from k8s.client.api import connect
from k8s.client.application import USERS_API, Application
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests import target
from loadtests.environment import environment_of
from loadtests.errors import LoadTestError


@dataclass(frozen=True)
class Installation:
    """An installed release: how it is reached, and the cluster that it runs in."""

    context: str
    base_url: str
    token: str
    limited_token: str
    """A token whose own rate limit can be used up; empty: there is none, and the limiter is left out."""
    api: Any
    release: Release
    prometheus: Prometheus
    users: int = USERS_API.ids
    application: Application = USERS_API

    @classmethod
    def connect(cls, *, context: str, application: Application, environment: Mapping[str, str]) -> "Installation":
        """Find it by kubeconfig, and by BASE_URL, TOKEN, LIMITED_TOKEN and USERS of the environment.

        Raises:
            ClusterError: the kubeconfig has no such context.
            LoadTestError: USERS is no number.
            ApplicationError: the limited client's token is in a variable that is not set.
        """
        users = environment.get("USERS", str(application.ids))
        if not users.isdecimal() or not int(users):
            raise LoadTestError(f"USERS is {users!r}: set it to how many users there are, from id 1 on")
        api = connect(context)
        return cls(
            context=context,
            base_url=environment["BASE_URL"].rstrip("/"),
            token=environment["TOKEN"],
            limited_token=environment.get("LIMITED_TOKEN") or application.secret("limited", environment),
            api=api,
            release=Release(api, application.namespace, application.release, application.deployment),
            prometheus=Prometheus(api, application.prometheus),
            users=int(users),
            application=application,
        )

    def environment(self, *, users: int | None = None, **variables: str) -> dict[str, str]:
        """Variables for the k6 scripts; `users`: how many of those that there are to read."""
        mine = {"BASE_URL": self.base_url, "TOKEN": self.token, "USERS": str(users or self.users)}
        return environment_of(self.application, {}, mine | variables)

    def get(self, path: str, token: str | None = None) -> tuple[int, Message, bytes]:
        """Ask once: status, header fields, body.

        Raises:
            LoadTestError: nothing answers.
        """
        reply = target.get(self.base_url, path, token or self.token)
        return reply.status, reply.headers, reply.body

    def version(self) -> dict[str, str]:
        """Version and revision of what runs, where /version tells them; empty elsewhere."""
        status, _, body = self.get("/version")
        try:
            found = json.loads(body) if status == HTTPStatus.OK else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) and {"version", "revision"} <= found.keys() else {}

    @property
    def path(self) -> str:
        """One thing to read."""
        return (self.application.read or "").replace("{id}", "1")
