"""What `aoc login` got: tokens of an identity provider, by the gateway that they are for.

```
$XDG_CONFIG_HOME/aoc/logins.json   {"current": GATEWAY, "logins": {GATEWAY: {...}}}, of mode 0600 in a directory of 0700
```
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from aoc_common import private
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds before its end at which a token is renewed.
_EARLY_S: Final = 120.0
_TIMEOUT_S: Final = 20.0
_FILE: Final = "logins.json"
_LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Login:
    """The tokens of one gateway. `ends_at`: Unix time at which the access token ends."""

    gateway: str
    client_id: str
    scope: str
    token_endpoint: str
    access_token: str = field(repr=False)
    ends_at: float = 0.0
    refresh_token: str | None = field(default=None, repr=False)


class Logins:
    """The file."""

    def __init__(self, directory: Path | None = None) -> None:
        self.path = (directory or _directory()) / _FILE

    def current(self, gateway: str | None = None) -> Login | None:
        """The login at a gateway, or the last one. Raises `BadConfiguration` for a file that others may read."""
        held = self._read()
        name = gateway or held.get("current")
        document = held.get("logins", {}).get(name)
        try:
            return None if document is None else Login(gateway=str(name), **document)
        except TypeError:
            raise BadConfiguration(f"{self.path}: not what aoc login writes; remove it, and log in again") from None

    def keep(self, login: Login) -> None:
        """Store a login; it is the current one from now on."""
        document = asdict(login)
        del document["gateway"]
        with private.locked(self.path.parent):
            held = self._read()
            logins = {**held.get("logins", {}), login.gateway: document}
            self._write({"current": login.gateway, "logins": logins})

    def drop(self, gateway: str | None = None) -> str | None:
        """Forget the login at a gateway, or the current one; its gateway, if there was one."""
        with private.locked(self.path.parent):
            held = self._read()
            name = gateway or held.get("current")
            logins = dict(held.get("logins", {}))
            if logins.pop(name, None) is None:
                return None
            current = None if held.get("current") == name else held.get("current")
            self._write({"current": current, "logins": logins})
        return name

    def _read(self) -> dict[str, Any]:
        try:
            if private.exposed(self.path):
                raise BadConfiguration(f"{self.path}: others may read it; chmod 600, and log in again")
            held = orjson.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BadConfiguration(f"{self.path}: {error}; remove it, and log in again") from None
        if not isinstance(held, dict) or not isinstance(held.get("logins", {}), dict):
            raise BadConfiguration(f"{self.path}: not what aoc login writes; remove it, and log in again")
        return held

    def _write(self, held: Mapping[str, Any]) -> None:
        private.write(self.path, orjson.dumps(held, option=orjson.OPT_INDENT_2).decode())


def fresh(login: Login, logins: Logins) -> Login:
    """The login with an access token that does not end now. Raises `BadConfiguration` when one must log in again."""
    if time.time() < login.ends_at - _EARLY_S:
        return login
    if login.refresh_token is None:
        raise BadConfiguration(f"the login at {login.gateway} has ended: aoc login {login.gateway}")
    asked = {"grant_type": "refresh_token", "refresh_token": login.refresh_token, "scope": login.scope}
    try:
        renewed = redeem(login.gateway, login.token_endpoint, login.client_id, login.scope, asked)
    except BadConfiguration:
        raise BadConfiguration(f"the login at {login.gateway} has ended: aoc login {login.gateway}") from None
    if renewed.refresh_token is None:
        # A provider may let the old one live on (RFC 6749, 6).
        renewed = replace(renewed, refresh_token=login.refresh_token)
    logins.keep(renewed)
    return renewed


def redeem(gateway: str, endpoint: str, client_id: str, scope: str, asked: Mapping[str, str]) -> Login:
    """Tokens for a code or a refresh token. Raises `BadConfiguration` when they are refused, `Unreachable`."""
    try:
        answer = httpx.post(endpoint, data={"client_id": client_id, **asked}, timeout=_TIMEOUT_S)
        document = orjson.loads(answer.content)
    except (httpx.HTTPError, ValueError) as error:
        raise Unreachable(f"{endpoint}: {type(error).__name__}") from None
    if not isinstance(document, dict) or not isinstance(document.get("access_token"), str):
        reason = str(document.get("error_description") or document.get("error")) if isinstance(document, dict) else ""
        raise BadConfiguration(f"the identity provider refused: {reason[:_LONGEST_REASON] or answer.status_code}")
    return Login(
        gateway,
        client_id,
        scope,
        endpoint,
        document["access_token"],
        time.time() + _seconds(document.get("expires_in")),
        document.get("refresh_token"),
    )


def _seconds(value: object) -> float:
    try:
        return max(0.0, float(str(value)))
    except ValueError:
        return 0.0


def _directory() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".config") / "aoc"
