"""The kinds of destinations that there are, and how one is made of a sink's options for a tenant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from aoc_common.errors import BadConfiguration
from aoc_common.outbound.references import resolved, within
from aoc_exporter.delivery.entra import EntraTokens
from aoc_exporter.delivery.scrubbing import ScrubbedSink, secrets_of
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from aoc_exporter.sinks.files import Files
from aoc_exporter.sinks.folder import FolderOptions, folder
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from aoc_exporter.sinks.security_lake import SecurityLakeOptions, security_lake
from aoc_exporter.sinks.sentinel import Sentinel, SentinelOptions
from aoc_exporter.sinks.splunk import Splunk, SplunkOptions
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from aoc_exporter.sinks.webhook import Webhook, WebhookOptions

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.clock import Clock
    from aoc_common.contracts.sink_states import Delivered
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.settings import ExportSettings


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of destination: what it can be told, and how it is made. `make` may raise `BadConfiguration`.

    `delivered`: what that means there.
    """

    options: type[BaseModel]
    make: Callable[[Any, Clock], Sink]
    delivered: Delivered


def _sentinel(options: SentinelOptions, clock: Clock) -> Sink:
    return Sentinel(options, EntraTokens(options.credential, options.http.client, clock))


KINDS: Final[Mapping[str, Kind]] = {
    "splunk": Kind(SplunkOptions, Splunk, "accepted"),
    "sentinel": Kind(SentinelOptions, _sentinel, "accepted"),
    "elastic": Kind(ElasticOptions, lambda options, _: Elastic(options), "stored"),
    "syslog": Kind(SyslogOptions, lambda options, _: Syslog(options), "sent"),
    "otlp": Kind(OtlpOptions, lambda options, _: Otlp(options), "accepted"),
    "webhook": Kind(WebhookOptions, Webhook, "accepted"),
    "folder": Kind(FolderOptions, folder, "stored"),
    "security-lake": Kind(SecurityLakeOptions, security_lake, "stored"),
}
#: Options of one that is reached over HTTP.
_HTTP: Final = "http"
_NETWORKS: Final = "allowed_networks"
_TLS_FILES: Final = ("ca_file", "client_certificate", "client_key")


def options_of(sink: SinkSettings, tenant: str) -> dict[str, Any]:
    """A sink's options for one tenant, secrets still references."""
    given = {**sink.options, **sink.per_tenant.get(tenant, {})}
    return {name: _filled(value, tenant) for name, value in given.items()}


def target_of(sink: SinkSettings, tenant: str) -> str:
    """The same for tenants with the same destination."""
    return json.dumps(options_of(sink, tenant), sort_keys=True, default=str)


def delivered(sink: SinkSettings) -> Delivered:
    """What it means that a sink has delivered something: the least that it means for any of its tenants."""
    each = [sink.options, *({**sink.options, **own} for own in sink.per_tenant.values())]
    if sink.kind == "splunk" and all(options.get("acknowledgements") for options in each):
        return "stored"
    return KINDS[sink.kind].delivered


def make(
    sink: SinkSettings, tenant: str, allowed: ExportSettings, clock: Clock, before: Sink | None = None
) -> ScrubbedSink:
    """The destination of a sink for one tenant. Blocks: reads files. Raises `BadConfiguration`, without a secret.

    `before`: the same one, made of secrets that were others.
    """
    options = _read(sink, tenant, allowed)
    made = KINDS[sink.kind].make(options, clock)
    if isinstance(made, Files) and isinstance(before, ScrubbedSink) and isinstance(before.sink, Files):
        made.follow(before.sink)
    return ScrubbedSink(made, [*secrets_of(options)])


def referred_to(sink: SinkSettings, tenant: str, allowed: ExportSettings) -> str:
    """What is in the files now that a destination refers to, as a digest. Blocks. Raises `BadConfiguration`."""
    options = _read(sink, tenant, allowed)
    digest = hashlib.sha256()
    for secret in secrets_of(options):
        digest.update(f"{len(secret)} {secret}".encode())
    for file in _files_of_tls(options):
        if file is not None:
            digest.update(f"{_changed_at(file)} ".encode())
    return digest.hexdigest()


def _read(sink: SinkSettings, tenant: str, allowed: ExportSettings) -> BaseModel:
    """The options with their secrets. Raises `BadConfiguration`."""
    kind, where = KINDS[sink.kind], f"sink {sink.name}, options"
    given = options_of(sink, tenant)
    _check_networks(given, where)
    given = resolved(kind.options, given, allowed.secrets, where)
    networks = {_NETWORKS: allowed.allowed_networks}
    if _HTTP in kind.options.model_fields:
        given[_HTTP] = {**(given.get(_HTTP) or {}), **networks}
    elif _NETWORKS in kind.options.model_fields:
        given |= networks
    try:
        options = kind.options.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{where}{'.' if field else ''}{field}: {first['msg']}") from None
    _check_files(options, allowed, where)
    return options


def _filled(value: Any, tenant: str) -> Any:
    if isinstance(value, str):
        return value.replace("{tenant}", tenant)
    if isinstance(value, Mapping):
        return {name: _filled(one, tenant) for name, one in value.items()}
    return [_filled(one, tenant) for one in value] if isinstance(value, list | tuple) else value


def _check_networks(given: Mapping[str, Any], where: str) -> None:
    http = given.get(_HTTP)
    if _NETWORKS in given or (isinstance(http, Mapping) and _NETWORKS in http):
        raise BadConfiguration(f"{where}: allowed_networks is the operator's: AOC_EXPORT__ALLOWED_NETWORKS")


def _check_files(options: BaseModel, allowed: ExportSettings, where: str) -> None:
    """Files that a sink names lie where the operator says."""
    path = getattr(options, "path", None)
    if path is not None and not within(path, allowed.folders):
        listed = ", ".join(map(str, allowed.folders)) or "none"
        raise BadConfiguration(f"{where}.path: has to be in one of AOC_EXPORT__FOLDERS ({listed})")
    credential = getattr(getattr(options, "azure", options), "credential", None)
    named = [*_files_of_tls(options), getattr(credential, "federated_token_file", None)]
    if outside := next((one for one in named if one is not None and not within(one, allowed.secret_directories)), None):
        raise BadConfiguration(f"{where}: {outside} is in none of AOC_EXPORT__SECRET_DIRECTORIES")


def _files_of_tls(options: BaseModel) -> list[Path | None]:
    tls = getattr(getattr(options, _HTTP, options), "tls", None)
    return [getattr(tls, name, None) for name in _TLS_FILES]


def _changed_at(file: Path) -> int:
    """Nanoseconds; 0 for one that is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
