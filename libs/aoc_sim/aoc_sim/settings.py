"""Every option of the simulator. Environment variables: `AOC_SIM__SEED`, `AOC_SIM__THROTTLE__ENABLED`, ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from aoc_sim.faults import EXTRAS, PROFILES, Faults, with_extras
from aoc_sim.siem.request_faults import RequestFault

GRAPH_ROLES = (
    "AuditLog.Read.All",
    "Directory.Read.All",
    "User.Read.All",
    "Group.Read.All",
    "Application.Read.All",
    "Device.Read.All",
    "RoleManagement.Read.Directory",
    "DeviceManagementApps.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "SecurityAlert.Read.All",
    "IdentityRiskEvent.Read.All",
    "IdentityRiskyUser.Read.All",
    "IdentityRiskyServicePrincipal.Read.All",
    "RoleManagementAlert.Read.Directory",
)
ACTIVITY_ROLES = ("ActivityFeed.Read", "ActivityFeed.ReadDlp")


class TenantSettings(BaseModel):
    """One simulated tenant and the collector's app registration in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str = Field(pattern=r"^[a-z0-9-]{1,40}$", description="Short name, used by the control plane.")
    tenant_id: str = Field(description="Directory (tenant) id: a GUID.")
    domain: str = Field(description="The verified domain that user names end with.")
    display_name: str = Field(description="The organisation's name.")
    country: Literal["NL", "US"] = Field(description="Where the headquarters are: sets offices and time zones.")
    client_id: str = Field(description="Application (client) id of the app `AOC collector`.")
    client_secret: SecretStr = Field(description="That app's client secret.")
    client_certificate_pem: str | None = Field(
        default=None, description="PEM certificate registered for that app, for certificate assertions."
    )
    graph_roles: tuple[str, ...] = Field(default=GRAPH_ROLES, description="App roles granted on Microsoft Graph.")
    activity_roles: tuple[str, ...] = Field(
        default=ACTIVITY_ROLES, description="App roles granted on the Office 365 Management APIs."
    )
    people: int = Field(default=200, ge=20, le=5000, description="How many people work there.")
    premium: bool = Field(
        default=True,
        description="Has Entra ID P2 and Workload ID Premium; without, sign-ins, risks and PIM alerts are refused.",
    )


# The secrets below open nothing but this simulator, whose every tenant is invented; they are defaults so that a
# local start needs no configuration.
DEFAULT_TENANTS = (
    TenantSettings(
        slug="contoso",
        tenant_id="c0a70501-5a11-4d0e-9b1c-0a0c51a00001",
        domain="contoso.example",
        display_name="Contoso Works",
        country="NL",
        client_id="c0a70501-a99c-4011-8ec7-0a0c51a00011",
        client_secret=SecretStr("simulator-only-contoso"),
    ),
    TenantSettings(
        slug="fabrikam",
        tenant_id="fab01ca0-5a11-4d0e-9b1c-0a0c51a00002",
        domain="fabrikam.example",
        display_name="Fabrikam Supply",
        country="US",
        client_id="fab01ca0-a99c-4011-8ec7-0a0c51a00022",
        client_secret=SecretStr("simulator-only-fabrikam"),
    ),
)


class GatewayApp(BaseModel):
    """The app registration of AOC's gateway, which people and applications of all tenants sign in at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(default="a0c6a7e0-a99c-4011-8ec7-0a0c51a00099", description="Application (client) id.")
    client_secret: SecretStr = Field(default=SecretStr("simulator-only-gateway"), description="Its client secret.")
    scope: str = Field(default="access_as_user", description="The scope that it exposes.")
    application_roles: tuple[str, ...] = Field(
        default=("aoc.reader",), description="App roles that each tenant's app has on it."
    )
    redirect_uris: tuple[str, ...] = Field(
        default=(), description="Where browsers may return to, beside this machine's own addresses."
    )

    @property
    def application_uri(self) -> str:
        """What its scopes begin with."""
        return f"api://{self.client_id}"


class Throttle(BaseModel):
    """Limits per family; the defaults are Microsoft's published ones (throttling-entra-logs-reports.md and others)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Whether any limit applies.")
    graph_audit_requests: int = Field(
        default=5,
        ge=1,
        description="Requests per window, directoryAudits and signIns together, per app and tenant.",
    )
    graph_audit_window_s: float = Field(default=10, gt=0, description="That window, in seconds.")
    graph_intune_requests: int = Field(
        default=1000, ge=1, description="Intune audit requests per window, app and tenant."
    )
    graph_intune_window_s: float = Field(default=20, gt=0, description="That window, in seconds.")
    graph_security_requests: int = Field(default=150, ge=1, description="Security requests per window, app and tenant.")
    graph_security_window_s: float = Field(default=60, gt=0, description="That window, in seconds.")
    graph_risk_requests: int = Field(
        default=1, ge=1, description="Identity Protection requests per window and tenant, of all apps together."
    )
    graph_risk_window_s: float = Field(default=1, gt=0, description="That window, in seconds.")
    graph_directory_requests: int = Field(
        default=3500,
        ge=5,
        description="Resource units of directory requests per window, app and tenant: Microsoft's for small tenants.",
    )
    graph_directory_window_s: float = Field(default=10, gt=0, description="That window, in seconds.")
    graph_all_requests: int = Field(
        default=130_000, ge=1, description="All Graph requests of an app, over all tenants."
    )
    graph_all_window_s: float = Field(default=10, gt=0, description="That window, in seconds.")
    activity_requests: int = Field(default=2000, ge=1, description="Management API requests per window and tenant.")
    activity_window_s: float = Field(default=60, gt=0, description="That window, in seconds.")


class Pages(BaseModel):
    """Page sizes and lifetimes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    graph_max: int = Field(default=1000, ge=1, description="Most records on a Graph page; larger `$top` is clamped.")
    graph_default: int = Field(default=1000, ge=1, description="Records on a Graph page without `$top`.")
    skiptoken_lifetime_s: float = Field(default=1800, gt=0, description="Seconds after which a skip token is refused.")
    directory: int = Field(default=200, ge=1, description="Objects on a page of a delta query; `$top` is ignored.")
    deltatoken_lifetime_s: float = Field(
        default=7 * 24 * 3600, gt=0, description="Seconds after which a delta token is refused."
    )
    activity_listing: int = Field(default=50, ge=1, description="Content entries on a page of a Management listing.")
    blob_records: int = Field(default=40, ge=1, description="Most records in a content blob of the history.")


class SiemSettings(BaseModel):
    """Receivers of SIEMs, below `/_siem/`: what goes wrong there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: Mapping[RequestFault, Annotated[float, Field(ge=0, le=1)]] = Field(
        default={}, description="Fault -> probability for each request; a receiver has those that its protocol knows."
    )
    most: int = Field(default=5, ge=0, description="How often each fault happens at each receiver, at most.")
    slow_s: float = Field(default=0.2, ge=0, le=60, description="Seconds for which a slow answer is held back.")
    retry_after_s: int = Field(default=1, ge=0, le=60, description="Seconds that an answer with Retry-After asks for.")
    syslog_port: int | None = Field(
        default=None, ge=0, le=65535, description="Port of syslog over TCP and UDP; 0 is a free one, without it none."
    )


class SimSettings(BaseSettings):
    """The simulator's settings."""

    model_config = SettingsConfigDict(env_prefix="AOC_SIM__", env_nested_delimiter="__", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on. Loopback: there is no access control.")
    port: int = Field(default=8365, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        default=None, description="Base of the links in answers; without, the request's own scheme and host."
    )
    seed: int = Field(default=7, description="The same seed and clock give the same records and faults.")
    events: int = Field(
        default=5000,
        ge=0,
        description="Distinct records of the history: all tenants, sources and stories together.",
    )
    history_hours: float = Field(default=24, gt=0, le=24 * 30, description="How far back the history reaches.")
    twins: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of directory changes and interactive sign-ins that the unified log tells too; 0 is none "
        "but the stories' own.",
    )
    fresh: int = Field(
        default=0,
        ge=0,
        description="Records of each tenant's history that are minutes old, whatever the hour: some faults strike only "
        "young ones, and at night there are none.",
    )
    near_twins: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Share of those that come with other actions which are easily taken for the same; and share of "
        "these of which each API tells another one.",
    )
    live_rate: float = Field(default=2.0, ge=0, description="Records per second generated after the start; 0 is none.")
    live_tick_s: float = Field(default=1.0, gt=0, description="Live records become content in steps of this length.")
    tenants: tuple[TenantSettings, ...] = Field(default=DEFAULT_TENANTS, min_length=1, description="The tenants.")
    gateway: GatewayApp = Field(default=GatewayApp(), description="The gateway's app registration.")
    stories: list[str] | Literal["all"] = Field(
        default="all", description="Attack stories to tell, by name; they alternate between the tenants."
    )
    faults: Faults = Field(default=Faults(), description="What goes wrong, and how often.")
    faults_profile: Literal["none", "verify", "quick", "chaos"] = Field(
        default="none",
        description="A named set of faults at moderate rates, over `faults`; `quick` is soon over, `chaos` has broken "
        "transport too.",
    )
    faults_extra: tuple[str, ...] = Field(
        default=(), description=f"Faults to add to those, by name: {', '.join(EXTRAS)}."
    )
    throttle: Throttle = Field(default=Throttle(), description="Rate limits.")
    pages: Pages = Field(default=Pages(), description="Page sizes.")
    siem: SiemSettings = Field(default=SiemSettings(), description="Receivers of SIEMs.")
    clock_skew_s: float = Field(default=0, description="How far its clock is ahead of the machine's, seconds.")
    token_lifetime_s: int = Field(default=3599, ge=1, description="Lifetime of an access token.")
    signing_key_pem: SecretStr | None = Field(
        default=None, description="RSA private key for tokens; without, one is made at start."
    )
    activity_warmup_hours: float = Field(
        default=0,
        ge=0,
        description="Hours from a subscription's first start until content is listed (real: up to 12).",
    )
    activity_wide_windows: Literal["refuse", "partial"] = Field(
        default="refuse",
        description="A listing over 24 h is refused (AF20030) or answered in part: both are documented.",
    )

    @model_validator(mode="after")
    def _tenants_are_distinct(self) -> Self:
        for name in ("slug", "tenant_id", "domain", "client_id"):
            values = [getattr(tenant, name) for tenant in self.tenants]
            if len(set(values)) != len(values):
                raise ValueError(f"tenants: two of them share {name}")
        return self

    @model_validator(mode="after")
    def _extras_are_known(self) -> Self:
        if strangers := set(self.faults_extra) - EXTRAS.keys():
            raise ValueError(f"faults_extra: no such fault: {', '.join(sorted(strangers))}; known: {', '.join(EXTRAS)}")
        return self

    def starting_faults(self) -> Faults:
        """The faults in force at start: the profile's if one is named, else `faults`; and `faults_extra`."""
        chosen = self.faults if self.faults_profile == "none" else PROFILES[self.faults_profile]
        return with_extras(chosen, self.faults_extra)
