"""Whose act it is: an id in the record beats a user name, and a user name means who had it then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from aoc_common.contracts.directory import Entity
from aoc_common.contracts.event import Event
from aoc_common.contracts.ids import to_ms
from aoc_common.contracts.periods import History, Period
from aoc_normalizer.enrich.confusables import ConfusableNames
from aoc_normalizer.enrich.identify import keys
from aoc_normalizer.enrich.lookup import EnrichmentData, nowhere
from aoc_normalizer.enrich.preserved import preserved_in
from aoc_normalizer.normalise import finish, normalise
from aoc_normalizer.reading.records import Reading, RecordContext, read
from each import each
from remembering import always, by_key

AT = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
UPN = "dana@contoso.example"
OLD, NEW, STRANGER = (f"0000000{n}-aaaa-4bbb-8ccc-000000000000" for n in range(1, 4))
ADMIN = Entity(OLD, "user", "Dana Reyes", UPN, roles=("Global Administrator",), privileged=True)
SUCCESSOR = Entity(NEW, "user", "Dan Avery", UPN)


def period(entity, since, held, until=None, *, after=None, gone=False):
    begins, ends = (None if at is None else to_ms(at) for at in (after, until))
    return Period(entity, to_ms(since), begins, to_ms(held), ends, frozenset({UPN}), deleted=gone)


#: The old account was deleted an hour before, and its user name given to another one half an hour before the event.
KNOWN = EnrichmentData(
    by_key(
        History(OLD, (period(ADMIN, AT - 9 * HOUR, AT - HOUR, AT - HOUR, gone=True),)),
        History(NEW, (period(SUCCESSOR, AT - HOUR / 2, AT + HOUR, after=AT - 0.6 * HOUR),)),
    ),
    nowhere,
    confusable=ConfusableNames({OLD: ["Dana Reyes"]}),
    read=True,
)


def event(by, at=AT, target=None, known=KNOWN) -> Event:
    record = {
        "id": "d-1",
        "activityDisplayName": "Update user",
        "activityDateTime": at.isoformat(),
        "result": "success",
        "initiatedBy": {"user": by},
        "targetResources": [target] if target else [],
    }
    made = normalise(orjson.dumps(record), RecordContext("contoso", "graph-directory-audits", AT + HOUR), known)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def told(made):
    return [fact["data"] for fact in made.ocsf.get("enrichments", ()) if fact["type"] == "directory"]


def test_a_record_with_the_old_id_and_a_user_name_that_was_given_away_stays_with_the_old_one(ocsf_faults):
    made = event({"id": OLD, "userPrincipalName": UPN})

    assert ocsf_faults(made) == []
    assert (made.ocsf["actor"]["user"]["uid"], made.ocsf["actor"]["user"]["name"]) == (OLD, "Dana Reyes")
    [data] = told(made)
    assert (data["uid"], data["name"], data["roles"], data["known"]) == (
        OLD, "Dana Reyes", ["Global Administrator"], "deleted",
    )  # fmt: skip
    assert "Avery" not in made.message().decode()


def test_an_id_that_the_directory_does_not_know_is_nobody_whatever_name_stands_beside_it(ocsf_faults):
    made = event({"id": STRANGER, "userPrincipalName": UPN})

    assert ocsf_faults(made) == []
    assert made.ocsf["actor"]["user"] == {
        "type_id": 1, "type": "User", "email_addr": UPN, "name": UPN, "uid": STRANGER,
    }  # fmt: skip
    assert told(made) == [{"known": "not known"}]


@pytest.mark.parametrize(
    ("ago", "uid", "type_name"), [(2 * HOUR, OLD, "Admin"), (0 * HOUR, NEW, "User"), (0.75 * HOUR, None, "User")]
)
def test_a_user_name_alone_is_matched_within_its_period_only(ocsf_faults, ago, uid, type_name):
    made = event({"userPrincipalName": UPN}, at=AT - ago)

    assert ocsf_faults(made) == []
    assert (made.ocsf["actor"]["user"].get("uid"), made.ocsf["actor"]["user"]["type"]) == (uid, type_name)


def test_what_is_no_object_id_does_not_keep_a_user_name_from_being_matched():
    nil = event({"id": "00000000-0000-0000-0000-000000000000", "userPrincipalName": UPN})
    puid = event({"id": "10032000AAAA", "userPrincipalName": UPN})

    assert [told(made)[0]["uid"] for made in (nil, puid)] == [NEW, NEW]


def test_an_object_that_was_found_by_its_user_name_alone_is_marked_so():
    found = [told(event(by))[0].get("by") for by in ({"userPrincipalName": UPN}, {"id": OLD, "userPrincipalName": UPN})]

    assert found == ["user name", None]


def test_an_application_that_holds_a_role_has_its_standing_told(ocsf_faults):
    robot = Entity(STRANGER, "service principal", "Robot", roles=("Global Administrator",), privileged=True)
    known = EnrichmentData(by_key(always(robot)), nowhere)
    made = event({}, target={"id": STRANGER, "displayName": "Robot", "type": "ServicePrincipal"}, known=known)

    assert ocsf_faults(made) == []
    assert [data["roles"] for data in told(made)] == [["Global Administrator"]]


def test_when_a_record_is_mapped_again_the_two_holders_of_a_user_name_in_it_stay_apart():
    made = event({"id": OLD, "userPrincipalName": UPN}, target={"userPrincipalName": UPN, "type": "User"})
    reading = read(made.raw.encode(), RecordContext("contoso", "graph-directory-audits", AT + HOUR))
    assert isinstance(reading, Reading)
    again = finish(reading, KNOWN, preserved_in(made.ocsf, to_ms(AT + 9 * HOUR)))

    assert [(data["uid"], data["name"]) for data in told(made)] == [(OLD, "Dana Reyes"), (NEW, "Dan Avery")]
    assert again.ocsf == made.ocsf


def test_an_ambiguous_user_name_names_nobody_and_the_event_says_so(ocsf_faults):
    both = EnrichmentData(
        by_key(
            *(History(one.id, (period(one, AT - HOUR, AT + HOUR),)) for one in (ADMIN, SUCCESSOR)),
        ),
        nowhere,
    )
    made = event({"userPrincipalName": UPN}, known=both)

    assert ocsf_faults(made) == []
    assert made.ocsf["actor"]["user"] == {"type_id": 1, "type": "User", "email_addr": UPN, "name": UPN}
    assert told(made) == [{"known": "ambiguous", "among": [OLD, NEW]}]


def test_a_record_that_does_not_say_when_is_of_the_newest_that_is_known():
    record = {"id": "d", "activityDisplayName": "Update user", "initiatedBy": {"user": {"id": OLD}}}
    made = normalise(orjson.dumps(record), RecordContext("contoso", "graph-directory-audits", AT), KNOWN)

    assert [data["known"] for data in told(made)] == ["no time"]


def test_only_the_id_is_looked_up_where_there_is_one():
    record = {
        "id": "d", "activityDisplayName": "Update user", "targetResources": [],
        "initiatedBy": {"user": {"id": OLD, "userPrincipalName": UPN}},
    }  # fmt: skip
    reading = read(orjson.dumps(record), RecordContext("contoso", "graph-directory-audits", AT))
    assert isinstance(reading, Reading)

    assert list(keys(reading.draft)) == [OLD]


@each(
    "name",
    [
        "Dana Reyes", "DANA REYES", "Dana  Reyes ", "Dana\u200b Reyes", "Ｄａｎａ Ｒｅｙｅｓ", "D\u0430na R\u0435yes",
        "Dana\u00a0Reyes", "Daná Reyes", "Dana Reyes.", "Dana\u202e Reyes", "D\u03b1na Rey\u0435\u0455",
    ],
)  # fmt: skip
def test_a_display_name_that_reads_as_an_administrators_is_shown_with_its_id(ocsf_faults, name):
    made = event({"id": STRANGER, "displayName": name}, target={"id": STRANGER, "displayName": name, "type": "Group"})

    assert ocsf_faults(made) == []
    assert made.ocsf["actor"]["user"]["name"].endswith(f" ({STRANGER})")
    assert made.ocsf["message"].count(f"({STRANGER})") == 2
    assert {"dana", STRANGER} & set(made.terms)


def test_an_administrator_himself_and_others_are_shown_by_their_names():
    other = {"id": NEW, "displayName": "Dan Avery", "type": "User"}
    made = event({"id": OLD, "displayName": "Dana Reyes"}, target=other)

    assert made.ocsf["message"] == "Dana Reyes changed user Dan Avery"


def test_a_lookalike_without_an_id_is_shown_with_its_user_name_or_as_having_none():
    shown = [
        event(by).ocsf["actor"]["user"]["name"]
        for by in ({"displayName": "Dana Reyes", "userPrincipalName": "x@evil.example"}, {"displayName": "Dana Reyes"})
    ]

    assert shown == ["Dana Reyes (x@evil.example)", "Dana Reyes (no id)"]


def test_two_administrators_of_one_name_are_told_apart():
    names = ConfusableNames({OLD: ["Dana Reyes"], NEW: ["dana reyes"]})
    alike = EnrichmentData(KNOWN.histories, nowhere, confusable=names)

    made = event({"id": OLD, "displayName": "Dana Reyes"}, known=alike)

    assert made.ocsf["message"].startswith(f"Dana Reyes ({OLD})")
