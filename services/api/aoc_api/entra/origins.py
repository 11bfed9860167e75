"""Who signs which tokens: version 1 and version 2 of a cloud have metadata, issuers and keys of their own.

Sources: entra-docs, access-tokens.md ("Validate the issuer", "Validate the signing key issuer"); v2-protocols-oidc.md
(metadata of `organizations`: one for all directories); authentication-national-cloud.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from aoc_common.tenants.clouds import V1_ISSUER, v2_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

type Version = Literal["1.0", "2.0"]

_TEMPLATE: Final = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where tokens of one version and cloud come from. `issuer`: with `{tenantid}` for the directory's id."""

    authority: str
    issuer: str
    metadata_url: str

    def issuer_of(self, directory_id: str) -> str:
        """Exactly how its tokens name the issuer for a directory."""
        return of_directory(self.issuer, directory_id)


def of_directory(template: str, directory_id: str) -> str:
    """An issuer of a directory: of one for all of them, or as it is."""
    return template.replace(_TEMPLATE, directory_id)


def origins(authority: str) -> Mapping[Version, Origin]:
    """The origins at a sign-in service, e.g. `https://login.microsoftonline.us`."""
    root = f"{authority}/organizations"
    return {
        "1.0": Origin(authority, V1_ISSUER, f"{root}/.well-known/openid-configuration"),
        "2.0": Origin(authority, v2_issuer(authority), f"{root}/v2.0/.well-known/openid-configuration"),
    }
