"""The inventory of a tenant: people, devices, apps, groups, sites. All of it is invented.

Addresses come from the documentation ranges (RFC 5737, RFC 3849): offices 192.0.2.0/24, homes 198.51.100.0/24,
mobile 2001:db8::/32, attackers 203.0.113.0/24.
"""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic
# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from aoc_sim.vocabulary import (
    APP_NAMES,
    BROWSERS,
    DEPARTMENTS,
    FAMILY_NAMES,
    GIVEN_NAMES,
    GROUP_WORDS,
    OFFICES,
    SITE_WORDS,
    TITLES,
)

if TYPE_CHECKING:
    from aoc_sim.settings import TenantSettings


@dataclass(frozen=True, slots=True)
class Place:
    """The location of an address, as in a sign-in's `location`."""

    city: str
    state: str
    country: str
    latitude: float
    longitude: float
    zone: ZoneInfo
    egress: str


@dataclass(frozen=True, slots=True)
class Device:
    """A computer or phone."""

    id: str
    name: str
    system: str
    browser: str
    user_agent: str
    compliant: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: str
    upn: str
    name: str
    puid: str
    sid: str
    mailbox: str
    department: str
    title: str
    place: Place
    home_ip: str
    mobile_ip: str
    device: Device
    starts_at: float
    """Local hour at which the working day starts; it ends nine hours later."""
    admin: bool
    guest: bool

    @property
    def alias(self) -> str:
        """The part of the user name before the @."""
        return self.upn.split("@", 1)[0]


@dataclass(frozen=True, slots=True)
class App:
    """A service principal; a managed identity has no address of its own."""

    id: str
    app_id: str
    name: str
    ip: str
    managed: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group, or a directory role."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Site:
    """A SharePoint site."""

    url: str
    title: str
    site_id: str
    web_id: str
    list_id: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything that a tenant holds."""

    tenant_id: str
    domain: str
    name: str
    people: tuple[Person, ...]
    admins: tuple[Person, ...]
    guests: tuple[Person, ...]
    apps: tuple[App, ...]
    identities: tuple[App, ...]
    groups: tuple[Group, ...]
    roles: tuple[Group, ...]
    sites: tuple[Site, ...]
    policies: tuple[Group, ...]
    places: tuple[Place, ...]
    server: str

    @property
    def sharepoint(self) -> str:
        """Host of the tenant's SharePoint."""
        return f"{self.domain.split('.', 1)[0]}.sharepoint.example"


# Template ids of built-in roles are the same in every tenant (entra-docs, permissions-reference.md).
ROLES = (
    ("62e90394-69f5-4237-9190-012177145e10", "Global Administrator"),
    ("29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator"),
    ("f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "SharePoint Administrator"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    ("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    ("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator"),
    ("3a2c62db-5318-420d-8d74-23affee5d9d5", "Intune Administrator"),
)


def guid(rng: Random) -> str:
    """A random GUID from the given generator, so that it is the same for the same seed."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def build_directory(settings: TenantSettings, seed: int) -> Directory:
    """The tenant's directory; the same settings and seed give the same one."""
    rng = Random(f"directory:{seed}:{settings.slug}")
    places = tuple(
        Place(city, state, country, lat, lon, ZoneInfo(zone), f"192.0.2.{host}")
        for city, state, country, lat, lon, zone, host in OFFICES[settings.country]
    )
    people = _people(settings, places, rng)
    return Directory(
        tenant_id=settings.tenant_id,
        domain=settings.domain,
        name=settings.display_name,
        people=tuple(p for p in people if not p.guest),
        admins=tuple(p for p in people if p.admin),
        guests=tuple(p for p in people if p.guest),
        apps=tuple(_app(name, rng, managed=False) for name in APP_NAMES[:14]),
        identities=tuple(_app(name, rng, managed=True) for name in APP_NAMES[14:]),
        groups=tuple(Group(guid(rng), f"{a} {b}") for a in DEPARTMENTS[:6] for b in GROUP_WORDS),
        roles=tuple(Group(id_, name) for id_, name in ROLES),
        sites=tuple(_site(settings.domain, word, rng) for word in SITE_WORDS),
        policies=tuple(Group(guid(rng), f"CA{n:03d} {what}") for n, what in enumerate(_POLICIES, start=1)),
        places=places,
        server="".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=3)) + f"PR{rng.randrange(10, 99)}MB",
    )


_POLICIES = ("Ask everybody for a second factor", "Block old protocols", "Managed devices for finance")


def _people(settings: TenantSettings, places: tuple[Place, ...], rng: Random) -> list[Person]:
    pairs = [(g, f) for g in GIVEN_NAMES for f in FAMILY_NAMES]
    rng.shuffle(pairs)
    sid_base = "-".join(str(rng.randrange(10**8, 10**10)) for _ in range(3))
    people = []
    for index in range(settings.people):
        given_name, family_name = pairs[index % len(pairs)]
        place = rng.choices(places, weights=range(len(places) * 2, 0, -2))[0]
        guest = index >= settings.people * 0.96
        alias = f"{given_name}.{family_name}".lower().replace(" ", "")
        if index >= len(pairs):
            alias += str(index)
        upn = f"{alias}_partner.example#EXT#@{settings.domain}" if guest else f"{alias}@{settings.domain}"
        people.append(
            Person(
                id=guid(rng),
                upn=upn,
                name=f"{given_name} {family_name}",
                puid=f"10032{rng.getrandbits(44):011X}",
                sid=f"S-1-5-21-{sid_base}-{rng.randrange(10**6, 10**8)}",
                mailbox=guid(rng),
                department=rng.choice(DEPARTMENTS),
                title=rng.choice(TITLES),
                place=place,
                home_ip=f"198.51.100.{index % 250 + 2}",
                mobile_ip=f"2001:db8:{rng.randrange(1, 0xFFFF):x}:{index:x}::{rng.randrange(1, 0xFFFF):x}",
                device=_device(settings.slug, index, rng),
                starts_at=rng.gauss(8.5, 0.8) if rng.random() < 0.94 else rng.uniform(14, 21),
                admin=index < 6,
                guest=guest,
            )
        )
    return people


def _device(slug: str, index: int, rng: Random) -> Device:
    system, browser, agent = rng.choices(BROWSERS, weights=[w for w, *_ in BROWSERS])[0][1:]
    return Device(
        id=guid(rng),
        name=f"{slug[:3].upper()}-{'MB' if system.startswith('Mac') else 'NB'}{index + 1001}",
        system=system,
        browser=browser,
        user_agent=agent,
        compliant=rng.random() < 0.9,
    )


def _app(name: str, rng: Random, *, managed: bool) -> App:
    return App(guid(rng), guid(rng), name, f"192.0.2.{rng.randrange(200, 250)}", managed)


def _site(domain: str, word: str, rng: Random) -> Site:
    host = f"{domain.split('.', 1)[0]}.sharepoint.example"
    return Site(f"https://{host}/sites/{word.replace(' ', '')}", word, guid(rng), guid(rng), guid(rng))
