"""How grants, and persons who signed in, are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_common.contracts.access import Grant
from aoc_common.store.sessions import SignedIn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def grants_to(grants: Sequence[Grant]) -> list[dict[str, Any]]:
    """Grants as documents."""
    return [grant_to(grant) for grant in grants]


def grant_to(grant: Grant) -> dict[str, Any]:
    """A grant as a document."""
    return {
        "role": grant.role,
        "tenants": sorted(grant.tenants),
        "groups": sorted(grant.groups),
        "everything": grant.everything,
        "until": grant.until,
    }


def grants_from(documents: Sequence[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Grants of documents."""
    return tuple(grant_from(document) for document in documents)


def grant_from(document: Mapping[str, Any]) -> Grant:
    """The grant of a document."""
    return Grant(
        document["role"],
        frozenset(document["tenants"]),
        frozenset(document["groups"]),
        document["everything"],
        document["until"],
    )


def person_to(person: SignedIn) -> dict[str, Any]:
    """A person as a document."""
    return {
        "principal_id": person.principal_id,
        "name": person.name,
        "directory_id": person.directory_id,
        "app_roles": list(person.app_roles),
        "directory_groups": list(person.directory_groups),
        "grants": grants_to(person.grants),
    }


def person_from(document: Mapping[str, Any]) -> SignedIn:
    """The person of a document."""
    return SignedIn(
        principal_id=document["principal_id"],
        name=document["name"],
        grants=grants_from(document["grants"]),
        directory_id=document["directory_id"],
        app_roles=tuple(document["app_roles"]),
        directory_groups=tuple(document["directory_groups"]),
    )
