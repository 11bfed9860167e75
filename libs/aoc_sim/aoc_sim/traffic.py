"""Benign traffic: who does what when, in the proportions of a real tenant."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from aoc_sim import twins
from aoc_sim.records import (
    alerts,
    azuread,
    directory,
    dlp,
    exchange,
    general,
    intune,
    pim,
    risk,
    sharepoint,
    signins,
)
from aoc_sim.records.base import STATES, Builder, Draft, Scene, Source, ual_time

if TYPE_CHECKING:
    from random import Random

    from aoc_sim.inventory import Directory, Person

type Table = tuple[tuple[float, Builder, bool], ...]
"""(weight, builder, whether an administrator does it)"""

# Shares of all records, in per cent. Non-interactive sign-ins are five times the interactive ones.
SHARES: tuple[tuple[Source, float, Table], ...] = (
    ("graph-signins", 7, ((1, signins.interactive, False),)),
    ("graph-signins-noninteractive", 33.65, ((1, signins.noninteractive, False),)),
    ("graph-signins-serviceprincipal", 6, ((1, signins.service_principal, False),)),
    ("graph-signins-managedidentity", 3, ((1, signins.managed_identity, False),)),
    ("graph-directory-audits", 3, directory.BENIGN),
    ("graph-intune", 0.8, intune.BENIGN),
    ("graph-alerts", 0.2, alerts.BENIGN),
    ("graph-risk-detections", 0.15, risk.DETECTIONS),
    ("graph-risk-detections-serviceprincipal", 0.05, risk.OF_APPLICATIONS),
    ("graph-risky-users", 0.1, risk.USERS),
    ("graph-risky-serviceprincipals", 0.03, risk.APPLICATIONS),
    ("graph-pim-alerts", 0.02, pim.ALERTS),
    ("o365-azuread", 10, azuread.LOGONS),
    ("o365-azuread", 2, azuread.BENIGN),
    ("o365-exchange", 17, exchange.BENIGN),
    ("o365-sharepoint", 11, sharepoint.BENIGN),
    ("o365-general", 5.4, general.BENIGN),
    ("o365-dlp", 0.6, dlp.BENIGN),
)

# Work by local hour, relative: quiet nights, a dip at noon, an evening tail.
_BY_HOUR = (3, 2, 2, 2, 3, 5, 12, 35, 75, 100, 100, 90, 60, 85, 100, 95, 80, 50, 25, 18, 15, 12, 8, 5)
_WEEKEND = 0.2
_BUCKET = timedelta(minutes=15)
_SATURDAY = 5
_WORKDAY_HOURS = 9
_TRIES = 50
_TIMES_WITH_DECIMALS = frozenset(
    {
        "graph-directory-audits",
        "graph-intune",
        "graph-alerts",
        "graph-risk-detections",
        "graph-risk-detections-serviceprincipal",
        *STATES,
    }
)
"""The other sources write times without decimals, so their records happen on whole seconds."""


class ActivityTimes:
    """When things happen in a tenant between two moments."""

    def __init__(self, directory: Directory, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        zone = directory.places[0].zone
        self._buckets = []
        weights = []
        at = start
        while at < end:
            local = at.astimezone(zone)
            weights.append(_BY_HOUR[local.hour] * (_WEEKEND if local.weekday() >= _SATURDAY else 1.0))
            self._buckets.append(at)
            at += _BUCKET
        self._cumulative = list(accumulate(weights))

    def moments(self, count: int, rng: Random) -> list[datetime]:
        """That many moments, all in [start, end), in no order."""
        chosen = rng.choices(self._buckets, cum_weights=self._cumulative, k=count)
        return [at + (min(at + _BUCKET, self._end) - at) * rng.random() for at in chosen]


class Traffic:
    """The benign records of one tenant.

    `twins`: the share of directory changes and sign-ins told by both APIs; `near`: that of those with near-twins.
    """

    def __init__(self, directory: Directory, twins: float = 0.0, near: float = 0.0) -> None:
        self.directory = directory
        self._twins = twins
        self._near = near
        self._with_states: dict[Source, set[str]] = {}
        self._sources = {source for source, _, _ in SHARES}
        self._rows: dict[Source | None, list[tuple[Source, Builder, bool]]] = {None: []}
        self._weights: dict[Source | None, list[float]] = {None: []}
        for source, share, table in SHARES:
            total = sum(weight for weight, _, _ in table)
            for weight, builder, by_admin in table:
                for key in (None, source):
                    self._rows.setdefault(key, []).append((source, builder, by_admin))
                    self._weights.setdefault(key, []).append(share * weight / total)
        self._cumulative = {key: list(accumulate(weights)) for key, weights in self._weights.items()}

    def drafts(self, at: datetime, rng: Random, *, room: int = 1, source: Source | None = None) -> list[Draft]:
        """One record; if there is room, a DLP pair that shares an Id, or twins and near-twins."""
        rows = self._rows[source]
        chosen, builder, by_admin = rng.choices(rows, cum_weights=self._cumulative[source])[0]
        if chosen not in _TIMES_WITH_DECIMALS:
            at = at.replace(microsecond=0)
        if chosen == "o365-dlp" and room > 1 and rng.random() < 0.25:
            # the undo happens at the given moment, so that a history never reaches past its end
            matched = at - timedelta(seconds=rng.randrange(1, 60))
            body = builder(self.scene(matched, rng))
            pair = (Draft(chosen, matched, body), Draft(chosen, at, dlp.undo(body, at=ual_time(at))))
            return [d._replace(key=f"{d.body['Id']}|{d.body['Operation']}") for d in pair]
        twice = self._twins > 0 and source is None and twins.possible(chosen)
        if twice:
            at -= twins.SPAN  # a history must not reach past its end
        scene = self.scene(at, rng, by_admin=by_admin)
        draft = self._state(chosen, builder, scene) if chosen in STATES else Draft(chosen, at, builder(scene))
        return twins.with_twin(draft, scene, room, self._twins, self._near) if twice else [draft]

    def _state(self, source: Source, builder: Builder, scene: Scene) -> Draft:
        """A state of somebody or something that has none yet, while there are such: each hides the one before."""
        known = self._with_states.setdefault(source, set())
        for _ in range(_TRIES):
            body = builder(scene)
            if body["id"] not in known:
                break
            scene = self.scene(scene.at, scene.rng, by_admin=scene.who.admin)
        known.add(body["id"])
        return Draft(source, scene.at, body, key=risk.state_key(scene, body))

    def scene(self, at: datetime, rng: Random, *, by_admin: bool = False) -> Scene:
        """Somebody who is probably at work then, at the office, at home or on the way."""
        who = self._somebody(at, rng, self.directory.admins if by_admin else self.directory.people)
        if not by_admin and rng.random() < 0.02:
            who = rng.choice(self.directory.guests)
        where = rng.random()
        ip = who.place.egress if where < 0.6 else who.home_ip if where < 0.9 else who.mobile_ip
        return Scene(rng, self.directory, at, who, ip, who.place, who.device)

    @staticmethod
    def _somebody(at: datetime, rng: Random, people: tuple[Person, ...]) -> Person:
        person = rng.choice(people)
        for _ in range(3):
            local = at.astimezone(person.place.zone)
            if 0 <= (local.hour + local.minute / 60 - person.starts_at) % 24 < _WORKDAY_HOURS:
                break
            person = rng.choice(people)
        return person
