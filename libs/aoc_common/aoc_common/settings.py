"""Settings that every service has, and how a service loads its own.

Read from the environment: prefix `AOC_`, `__` between levels (`AOC_NATS__URL`). A wrong setting raises
`BadConfiguration` with one line that names the variable.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from aoc_common import environment
from aoc_common.contracts.webhooks import MIN_SECRET, Seals
from aoc_common.errors import BadConfiguration
from aoc_common.validation import in_words

ENV_PREFIX = environment.PREFIX
ENV_DELIMITER = environment.DELIMITER


#: `nats-py` takes user and password as they stand there, without decoding.
_NATS_URL = re.compile(
    r"(?:nats|tls|wss?)://(?:[^@/?#\s]*@)?(?:\[[^\]@/?#]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?(?:/[^@?#]*)?"
)
_LAST_PORT = 65535


def resolve_secret(reference: str, setting: str = "secret") -> str:
    """Read a secret that is named by reference: `env:NAME` or `file:/run/secrets/x` (one trailing newline is cut).

    Raises `BadConfiguration`, naming `setting`, when there is nothing at the reference. The message never holds the
    secret.
    """
    kind, _, name = reference.partition(":")
    if "@" in name:  # no name, but what it should stand for
        raise BadConfiguration(f"{setting}: must be a reference: env:NAME or file:PATH")
    if kind == "env":
        value = os.environ.get(name)
        if value is None:
            raise BadConfiguration(f"{setting}: {reference}: the environment variable is not set")
        return value
    if kind == "file":
        try:
            return Path(name).read_text("utf-8").removesuffix("\n")
        except OSError as error:
            raise BadConfiguration(f"{setting}: {reference}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadConfiguration(f"{setting}: {reference}: not UTF-8 text") from None
    raise BadConfiguration(f"{setting}: must be a reference: env:NAME or file:PATH")


def _check_reference(value: str) -> str:
    kind, _, name = value.partition(":")
    if kind not in {"env", "file"} or not name:
        raise ValueError("must be a reference: env:NAME or file:PATH")
    return value


def _check_nats_urls(value: str) -> str:
    urls = value.split(",")
    for number, url in enumerate(urls, 1):
        match = _NATS_URL.fullmatch(url)
        if match is None or int(match["port"] or 0) > _LAST_PORT:
            # Not a word of it: what was taken for a host, a port or a path may be a part of a password.
            which = f"address {number} of {len(urls)}" if len(urls) > 1 else "this"
            raise ValueError(
                f"{which} is no NATS address like nats://127.0.0.1:4222 "
                "(a password with / ? # @ or , in it belongs into AOC_NATS__PASSWORD)"
            )
    return value


def _check_public_url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an address like https://aoc.example")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}):
        raise ValueError("must be https (http only on this machine): Microsoft sends a secret to it")
    return value.rstrip("/")


#: What MongoDB allows in the name of a database on no system.
_NO_DATABASE_NAME: Final = frozenset('/\\. "$*<>:|?\0')


def _check_database(value: str) -> str:
    if _NO_DATABASE_NAME & set(value):
        raise ValueError('must be without / \\ . " $ * < > : | ? and spaces')
    return value


SecretRef = Annotated[str, AfterValidator(_check_reference)]


class Frozen(BaseModel):
    """Base of nested settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class NatsSettings(Frozen):
    """How to reach NATS, and what its streams may hold."""

    url: Annotated[str, AfterValidator(_check_nats_urls)] = Field(
        "nats://127.0.0.1:4222", description="Server or comma-separated cluster addresses.", repr=False
    )
    user: str | None = Field(None, description="User name, when the server asks for one.")
    password: SecretRef | None = Field(None, description="Reference to the password.")
    credentials: Path | None = Field(None, description="A NATS .creds file, instead of user and password.")
    tls_ca: Path | None = Field(None, description="CA certificate (PEM) of a TLS server with a private CA.")
    replicas: int = Field(1, ge=1, le=5, description="Copies of each stream in a NATS cluster (aoc provision).")
    raw_max_bytes: int = Field(
        10 * 1024**3,
        ge=1024**2,
        description="Size of AOC_RAW: of what waits to be stored. When full, collectors wait; nothing is dropped.",
    )
    events_max_bytes: int = Field(10 * 1024**3, ge=1024**2, description="Size of AOC_EVENTS.")
    events_max_age_s: float = Field(
        3 * 24 * 3600, ge=1, description="How long AOC_EVENTS keeps an event for its readers, seconds."
    )
    duplicate_window_s: float = Field(
        30,
        ge=0.1,
        description="How long streams remember message ids, seconds. Only against a client's quick repeats: that an "
        "event is published once does not depend on it.",
    )


class MongoSettings(Frozen):
    """How to reach MongoDB."""

    uri: str = Field(
        "mongodb://127.0.0.1:27017",
        description="Connection string, or a reference (env:NAME, file:PATH) to one.",
        repr=False,
    )
    database: Annotated[str, AfterValidator(_check_database)] = Field(
        "aoc", min_length=1, max_length=63, description="Name of the database."
    )
    timeout_s: float = Field(10, gt=0, description="How long to look for a server before a call fails, seconds.")
    answer_s: float = Field(
        60, gt=0, description="How long a server may take to answer before a call fails and is tried again, seconds."
    )

    def resolved_uri(self) -> str:
        """The connection string itself. Raises `BadConfiguration` when it is none, or a reference to nothing."""
        if self.uri.startswith(("mongodb://", "mongodb+srv://")):
            return self.uri
        if not self.uri.startswith(("env:", "file:")):
            raise BadConfiguration(
                "AOC_MONGO__URI: must be a connection string (mongodb:// or mongodb+srv://), or a reference to one: "
                "env:NAME or file:PATH"
            )
        return resolve_secret(self.uri, "AOC_MONGO__URI")


class TelemetrySettings(Frozen):
    """Logs and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level logged.")
    log_format: Literal["json", "console"] = Field("json", description="One JSON object a line, or for people.")
    otlp_endpoint: str | None = Field(
        None, description="OTLP/HTTP traces endpoint, e.g. http://collector:4318/v1/traces. Off when unset."
    )


class HealthSettings(Frozen):
    """Where a worker answers /livez, /readyz and /metrics."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(9100, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")


class WebhookSettings(Frozen):
    """Notifications from Microsoft: off until address and secret are set, alike at the gateway and the collector."""

    public_url: Annotated[str, AfterValidator(_check_public_url)] | None = Field(
        None, description="Where Microsoft reaches the gateway: https, without /api/webhooks/... Off when unset."
    )
    secret: SecretRef | None = Field(
        None,
        description="Reference to the secret (32 characters or more) that notifications are recognised by; "
        "the same at the gateway and the collector.",
    )
    previous_secret: SecretRef | None = Field(
        None, description="Reference to the secret before; still accepted while subscriptions change to the new one."
    )

    def seals(self) -> Seals | None:
        """What notifications are recognised by; None when webhooks are off.

        Raises `BadConfiguration` for an address without a secret, and for a secret that is missing or too short.
        """
        if self.public_url is None:
            return None
        if self.secret is None:
            raise BadConfiguration("AOC_WEBHOOKS__SECRET: needed with AOC_WEBHOOKS__PUBLIC_URL")
        secrets = [_long_enough(self.secret, "AOC_WEBHOOKS__SECRET")]
        if self.previous_secret is not None:
            secrets.append(_long_enough(self.previous_secret, "AOC_WEBHOOKS__PREVIOUS_SECRET"))
        return Seals(secrets)


def _long_enough(reference: str, setting: str) -> str:
    secret = resolve_secret(reference, setting)
    if len(secret) < MIN_SECRET:
        raise BadConfiguration(f"{setting}: needs {MIN_SECRET} characters or more")
    return secret


#: How settings are read: from the environment, never printed with a value that is wrong.
FROM_ENVIRONMENT: Final = SettingsConfigDict(
    env_prefix=ENV_PREFIX,
    env_nested_delimiter=ENV_DELIMITER,
    frozen=True,
    extra="ignore",
    hide_input_in_errors=True,
)


class ServiceSettings(BaseSettings):
    """What every service can be told. A service's own settings derive from this and add theirs."""

    model_config = FROM_ENVIRONMENT

    nats: NatsSettings = NatsSettings()
    mongo: MongoSettings = MongoSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    health: HealthSettings = HealthSettings()
    license_key: str | None = Field(
        None,
        repr=False,
        description="Licence for more than one tenant (`aoc license`), or a reference to it (env:NAME, file:PATH); "
        "several with blanks between them. Tenants of a simulator on this machine need none.",
    )
    license_trust: Path | None = Field(
        None,
        description="File with public keys (PEM) that licences may be signed with, beside those that are built in.",
    )


def load[S: BaseSettings](kind: type[S], **overrides: Any) -> S:
    """Make settings from the environment.

    Raises `BadConfiguration` with one line for the first wrong setting, also for one that nothing of AOC knows.
    """
    environment.check(os.environ)
    try:
        return kind(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ENV_PREFIX + ENV_DELIMITER.join(str(part) for part in first["loc"]).upper()
        raise BadConfiguration(f"{name}: {in_words(first)}") from None
