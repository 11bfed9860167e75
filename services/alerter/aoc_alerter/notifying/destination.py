"""The port of what messages are sent by, and how one is made of a route's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from pydantic import BaseModel, Field, SecretStr, ValidationError

from aoc_alerter.notifying.apprise_address import check_address
from aoc_common.errors import BadConfiguration
from aoc_common.outbound.references import resolved, within
from aoc_common.outbound.web import HttpOptions
from aoc_common.settings import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_alerter.notifying.message import Message
    from aoc_alerter.notifying.route import Route
    from aoc_alerter.settings import NotifyOptions

_NETWORKS: Final = "allowed_networks"


class Destination(Protocol):
    """Where one route leads."""

    async def send(self, message: Message) -> bytes:
        """Send a message, once; returns what was answered when it was taken, within a bound. Empty: nothing is read.

        Raises `Transient` when it was not, or nobody knows, and `Permanent` for what will never be taken.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. No call follows."""
        ...


class AppriseOptions(Frozen):
    """Anything that apprise knows."""

    url: SecretStr = Field(description="Its address as apprise writes it, e.g. mailtos://, workflows://, slack://.")


class WebhookOptions(Frozen):
    """A receiver of signed webhooks."""

    url: str = Field(pattern=r"^https?://", description="Address of the receiver.")
    secret: SecretStr = Field(description="Shared secret, whsec_ and base64.")
    http: HttpOptions = HttpOptions(timeout_s=10)


_KINDS: Final[Mapping[str, type[BaseModel]]] = {"apprise": AppriseOptions, "webhook": WebhookOptions}


def options_of(route: Route, allowed: NotifyOptions) -> AppriseOptions | WebhookOptions:
    """A route's options with secrets instead of references. Blocks: reads files.

    Raises `BadConfiguration`, which repeats nothing that may be a secret.
    """
    where, model = f"route {route.name}, options", _KINDS[route.kind]
    _check_networks(route.options, where)
    given: dict[str, Any] = resolved(model, route.options, allowed.secrets, where)
    if model is WebhookOptions:
        given["http"] = {"timeout_s": 10, **(given.get("http") or {}), _NETWORKS: allowed.allowed_networks}
    try:
        options = model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{where}{'.' if field else ''}{field}: {first['msg']}") from None
    if isinstance(options, WebhookOptions):
        _check_files(options, allowed, where)
        return options
    if not isinstance(options, AppriseOptions):
        raise TypeError(f"{where}: options of a kind that there is not")
    check_address(options.url.get_secret_value(), where)
    return options


def _check_networks(given: Mapping[str, Any], where: str) -> None:
    http = given.get("http")
    if _NETWORKS in given or (isinstance(http, dict) and _NETWORKS in http):
        raise BadConfiguration(f"{where}: allowed_networks is the operator's: AOC_NOTIFY__ALLOWED_NETWORKS")


def _check_files(options: WebhookOptions, allowed: NotifyOptions, where: str) -> None:
    tls = options.http.tls
    named = (tls.ca_file, tls.client_certificate, tls.client_key)
    if outside := next((one for one in named if one is not None and not within(one, allowed.secret_directories)), None):
        raise BadConfiguration(f"{where}: {outside} is in none of AOC_NOTIFY__SECRET_DIRECTORIES")
