"""The tenants file: a JSON list of tenants, one object each (docs/reference/tenants.md).

```json
[{"name": "contoso", "tenant_id": "…", "client_id": "…", "client_secret": "file:/run/secrets/contoso"}]
```
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from aoc_common.environment import TENANTS_FILE
from aoc_common.errors import BadConfiguration
from aoc_common.tenants.tenant import Tenant
from aoc_common.validation import first_fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

#: What only who collects from a tenant needs to know of it.
COLLECTING: Final = frozenset({"client_secret", "client_certificate", "graph", "management", "sources"})
#: What anybody may read of a tenant.
PUBLIC: Final = frozenset(Tenant.model_fields) - COLLECTING


def read_tenants(
    file: Path | None, known_sources: Collection[str] | None = None, *, setting: str = TENANTS_FILE
) -> tuple[Tenant, ...]:
    """The tenants of a file; none without a file. Raises `BadConfiguration`, naming entry and field.

    `known_sources`: what the reader can collect. Each entry must then have a credential, sources that are among these,
    and nothing that is unknown. None: the reader collects nothing; what only a collector needs to know (credentials
    among it), and what is unknown, is not read. `setting`: the variable that names the file.
    """
    if file is None:
        return ()
    where = f"{setting}: {file}"
    tenants = []
    for number, entry in enumerate(_entries(file, where), 1):
        labelled = f"{where}: {_label(number, entry)}"
        tenant = validated(labelled, entry if known_sources is not None else _public(entry))
        if known_sources is not None:
            check_collecting(labelled, tenant, known_sources)
            if tenant.retention:
                raise BadConfiguration(f"{labelled}, retention: only tenants of the registry have it (aoc tenants)")
        tenants.append(tenant)
    _check_distinct(where, tenants)
    return tuple(tenants)


def written(tenants: Iterable[Tenant]) -> str:
    """The text of a file with these tenants, without what is as it is by default."""
    return json.dumps([document(tenant) for tenant in tenants], indent=1)


def document(tenant: Tenant) -> dict[str, Any]:
    """A tenant as an entry of a file, without what is as it is by default."""
    return tenant.model_dump(mode="json", exclude_defaults=True)


def _entries(file: Path, where: str) -> list[Any]:
    try:
        entries: Any = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{where}: {error.strerror}") from None
    except ValueError as error:
        raise BadConfiguration(f"{where}: no JSON ({error})") from None
    if not isinstance(entries, list):
        raise BadConfiguration(f"{where}: expected a list of tenants")
    return entries


def _label(number: int, entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"tenant {name if isinstance(name, str) else number}"


def _public(entry: Any) -> Any:
    return {name: entry[name] for name in entry if name in PUBLIC} if isinstance(entry, dict) else entry


def validated(where: str, entry: Any) -> Tenant:
    """A tenant as it is written. Raises `BadConfiguration`, naming the field."""
    try:
        return Tenant.model_validate(entry)
    except ValidationError as error:
        field, wrong = first_fault(error)
        raise BadConfiguration(f"{where}{', ' if field else ''}{field}: {wrong}") from None


def check_collecting(where: str, tenant: Tenant, known_sources: Collection[str]) -> None:
    """Raise `BadConfiguration` for a tenant that cannot be collected: without a credential, or of unknown sources."""
    if tenant.client_secret is None and tenant.client_certificate is None:
        raise BadConfiguration(f"{where}: needs client_secret or client_certificate, and not both")
    check_sources(where, tenant, known_sources)


def check_sources(where: str, tenant: Tenant, known_sources: Collection[str]) -> None:
    """Raise `BadConfiguration` for a tenant of unknown sources."""
    if unknown := sorted(set(tenant.sources or ()) - set(known_sources)):
        raise BadConfiguration(f"{where}, sources: no {unknown[0]!r}; known are {', '.join(known_sources)}")


def _check_distinct(where: str, tenants: Sequence[Tenant]) -> None:
    """No two entries have one name, or are one app of one directory: what is collected would be collected twice."""
    names: dict[str, int] = {}
    apps: dict[tuple[str, str], int] = {}
    for number, tenant in enumerate(tenants, 1):
        if (first := names.setdefault(tenant.name, number)) != number:
            raise BadConfiguration(f"{where}: two tenants have the name {tenant.name}: entries {first} and {number}")
        if (first := apps.setdefault((tenant.tenant_id, tenant.client_id), number)) != number:
            raise BadConfiguration(
                f"{where}: tenants {tenants[first - 1].name} and {tenant.name} (entries {first} and {number}) have the "
                "same tenant_id and client_id"
            )
