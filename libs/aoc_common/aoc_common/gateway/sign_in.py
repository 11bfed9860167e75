"""What the gateway answers about who may do what: principals, API keys, sessions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aoc_common.contracts.access import Grant, Role
from aoc_common.contracts.subjects import TENANT_PATTERN

if TYPE_CHECKING:
    from aoc_common.store.api_keys import ApiKey

_GRANT: Final[dict[str, Any]] = {"role": "reader", "tenants": ["contoso"], "groups": [], "everything": False}
_KEY: Final[dict[str, Any]] = {
    "id": "5f2b8c1d9e3a4f60b7c8d9e0",
    "name": "nightly report",
    "grants": [_GRANT],
    "made_by": "local/operator",
    "made_at": "2026-11-23T08:00:00Z",
    "expires_at": "2027-02-21T08:00:00Z",
    "used_at": "2026-11-24T02:00:10Z",
    "revoked_at": "2026-11-25T09:30:00Z",
    "revoked_by": "local/operator",
    "state": "revoked",
}
_SESSION: Final[dict[str, Any]] = {
    "id": "0c4e7a91b2d35f6878c9d0e1",
    "principal": "local/operator",
    "name": "operator of this installation",
    "began_at": "2026-11-23T08:00:00Z",
    "seen_at": "2026-11-23T08:41:10Z",
    "ends_at": "2026-11-23T09:41:10Z",
    "address": "127.0.0.1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "current": True,
}
#: As many as a grant can name.
_MOST: Final = 1_000
_LONGEST_DAYS: Final = 366
#: Names are shown in lists and logs: without control characters.
_NAME: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"


def _example(example: dict[str, Any], extra: Literal["ignore", "forbid"] = "ignore") -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]}, extra=extra)


class RightView(BaseModel):
    """A role over some tenants, over all tenants of some groups, or over everything there is and will be."""

    model_config = _example(_GRANT, extra="forbid")

    role: Role = Field(description="reader, analyst, admin or superadmin.")
    tenants: list[Annotated[str, Field(pattern=TENANT_PATTERN)]] = Field(
        default_factory=list, max_length=_MOST, description="Over these tenants."
    )
    groups: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default_factory=list, max_length=_MOST, description="Over the tenants of these groups."
    )
    everything: bool = Field(False, description="Over all tenants.")

    @model_validator(mode="after")
    def _over_something(self) -> Self:
        if self.everything == bool(self.tenants or self.groups):
            raise ValueError("must be over tenants or groups, or over everything")
        return self

    @classmethod
    def of(cls, grant: Grant) -> RightView:
        """A grant as it is shown."""
        return cls(
            role=grant.role,
            tenants=sorted(grant.tenants),
            groups=sorted(grant.groups),
            everything=grant.everything,
        )

    def grant(self, until: datetime) -> Grant:
        """The grant that it shows, until then."""
        return Grant(self.role, frozenset(self.tenants), frozenset(self.groups), self.everything, until)


class Me(BaseModel):
    """Who sent the request."""

    model_config = _example(
        {
            "principal": "local/operator",
            "kind": "person",
            "name": "operator of this installation",
            "grants": [{"role": "superadmin", "tenants": [], "groups": [], "everything": True}],
            "means": "session",
            "csrf_token": "w1a8Z1n5m1l3x3b0w5Yh0wq7v5s3t1r9p7n5l3j1h9g",
        }
    )

    principal: str = Field(description="Its id, in audit trails and lists.")
    kind: Literal["person", "application", "api-key"] = Field(description="What it is.")
    name: str = Field(description="To be shown to people.")
    grants: list[RightView] = Field(description="What it may do, and over which tenants.")
    means: Literal["token", "api-key", "session"] = Field(description="What it showed.")
    csrf_token: str | None = Field(description="Of a session: what the header X-CSRF-Token must be.")


class ApiKeyView(BaseModel):
    """An API key. The key itself is shown once, when it is made."""

    model_config = _example(_KEY)

    id: str = Field(description="Its id: shown in lists and logs, and no secret.")
    name: str = Field(description="What it is for.")
    grants: list[RightView] = Field(description="What it may do.")
    made_by: str = Field(description="Who made it.")
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = Field(description="When it was used last, exact to about 20 seconds; null: never.")
    revoked_at: datetime | None
    revoked_by: str | None
    state: Literal["valid", "expired", "revoked"]

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> ApiKeyView:
        """A key as it is shown."""
        return cls(
            id=key.id,
            name=key.name,
            grants=[RightView.of(grant) for grant in key.grants],
            made_by=key.made_by,
            made_at=key.made_at,
            expires_at=key.expires_at,
            used_at=key.used_at,
            revoked_at=key.revoked_at,
            revoked_by=key.revoked_by,
            state="revoked" if key.revoked_at else "valid" if key.valid(now) else "expired",
        )


class ApiKeys(BaseModel):
    """API keys, the newest first."""

    model_config = _example({"items": [_KEY]})

    items: list[ApiKeyView]


class ApiKeyRequest(BaseModel):
    """The key to make."""

    model_config = _example({"name": "nightly report", "grants": [_GRANT], "days": 90}, extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=_NAME, description="What it is for.")
    grants: list[RightView] = Field(
        min_length=1,
        max_length=20,
        description="What it may do: nothing that you may not, and over which you are admin.",
    )
    days: int = Field(90, ge=1, le=_LONGEST_DAYS, description="Days until it expires.")


class NewApiKey(BaseModel):
    """A key that was made. Keep `secret` now: it is not shown again."""

    model_config = _example({"secret": "aoc_" + "0" * 49, "key": _KEY})

    secret: str = Field(description="The key, to be sent as `Authorization: Bearer ...`.")
    key: ApiKeyView


class SessionView(BaseModel):
    """A browser that is signed in."""

    model_config = _example(_SESSION)

    id: str = Field(description="Its id; no secret.")
    principal: str = Field(description="Who signed in.")
    name: str
    began_at: datetime
    seen_at: datetime = Field(description="When it was used last, exact to about 20 seconds.")
    ends_at: datetime = Field(description="When it ends if it is not used before.")
    address: str = Field(description="Where from.")
    user_agent: str = Field(description="What the browser calls itself.")
    current: bool = Field(description="Whether it is the session of this request.")


class Sessions(BaseModel):
    """Sessions, the newest first."""

    model_config = _example({"items": [_SESSION]})

    items: list[SessionView]


class SignInWays(BaseModel):
    """How one signs in here. Authentication is always on."""

    model_config = _example(
        {
            "auth_enabled": True,
            "ways": ["microsoft", "link", "api-key"],
            "login": "/auth/login",
            "authority": "https://login.microsoftonline.com/organizations",
            "client_id": "00000000-0000-0000-0000-000000000000",
            "scope": "api://00000000-0000-0000-0000-000000000000/access_as_user",
        }
    )

    auth_enabled: Literal[True] = Field(description="Always.")
    ways: list[Literal["microsoft", "link", "api-key"]] = Field(
        description="microsoft: Entra ID, for browsers, terminals and machines. link: a link that `aoc sign-in-link` "
        "makes where AOC runs. api-key: `Authorization: Bearer aoc_...`."
    )
    login: str = Field(description="Where a browser signs in.")
    authority: str | None = Field(description="Who issues access tokens.")
    client_id: str | None = Field(description="The application that tokens are for.")
    scope: str | None = Field(description="What a token for this gateway is asked for with.")
