"""Who somebody was at a moment, and how that is known."""

from __future__ import annotations

from dataclasses import replace

from aoc_common.contracts.directory import Entity, key
from aoc_common.contracts.periods import FAR, MANY, History, Period, find
from each import each

ADMIN = Entity("A1", "user", "Dana Reyes", "dana@contoso.example", roles=("Global Administrator",), privileged=True)
USER = replace(ADMIN, roles=(), privileged=False)
NEW = Entity("B2", "user", "Another Dana", "dana@contoso.example")
UPN = "dana@contoso.example"
MINUTE = 60_000


def period(entity, since, held, until=None, *, after=None, **more):
    keys = frozenset({key(entity.upn)} if entity.upn else ())
    return Period(entity, since * MINUTE, None if after is None else after * MINUTE, held * MINUTE,
                  None if until is None else until * MINUTE, keys, **more)  # fmt: skip


#: Seen first at 100, read until 195 with the role; at 200 it was gone; read until 300.
DEMOTED = History("A1", (period(ADMIN, 100, 195, 200), period(USER, 200, 300, after=195)))


@each(
    ("at", "mark", "privileged", "more"),
    [
        (50, "first known", True, {"learnt": "1970-01-01T01:40:00Z"}),
        (100, "at the time", True, {}),
        (195, "at the time", True, {}),
        (197, "between readings", True, {"after": "1970-01-01T03:15:00Z", "seen": "1970-01-01T03:20:00Z"}),
        (200, "at the time", False, {}),
        (300, "at the time", False, {}),
        (301, "last read", False, {"read": "1970-01-01T05:00:00Z"}),
        (100_000, "last read", False, {"read": "1970-01-01T05:00:00Z"}),
    ],
)
def test_a_standing_is_that_of_its_time_and_says_how_it_is_known(at, mark, privileged, more):
    view = DEMOTED.at(at * MINUTE)

    assert (view.mark, view.data["known"], view.data["privileged"]) == (mark, mark, privileged)
    assert {name: view.data[name] for name in more} == more


def test_between_two_readings_both_states_are_said_and_who_may_have_been_an_administrator_counts_as_one():
    promoted = History("A1", (period(USER, 100, 195, 200), period(ADMIN, 200, 300, after=195)))
    views = [one.at(197 * MINUTE) for one in (DEMOTED, promoted)]

    assert [view.data["or"] for view in views] == [
        {"roles": [], "privileged": False},
        {"roles": ["Global Administrator"], "privileged": True},
    ]
    assert [view.admin for view in views] == [True, True]


def test_an_account_that_was_deleted_keeps_its_standing_for_what_it_did_before():
    gone = History("A1", (period(ADMIN, 100, 195, 200, deleted=True),))
    views = [gone.at(at * MINUTE) for at in (150, 197, 250)]

    assert [view.mark for view in views] == ["at the time", "between readings", "deleted"]
    assert [view.data["roles"] for view in views] == [["Global Administrator"]] * 3
    assert (views[1].data["or"], views[2].data["deleted"]) == ({"deleted": True}, "1970-01-01T03:20:00Z")


def test_an_account_that_was_deleted_and_restored_is_found_in_both_of_its_lives():
    restored = History("A1", (period(ADMIN, 100, 195, 200, deleted=True), period(USER, 400, 500, after=390)))
    marks = {at: restored.at(at * MINUTE).mark for at in (150, 300, 395, 450)}

    assert marks == {150: "at the time", 300: "deleted", 395: "learnt later", 450: "at the time"}
    assert [restored.at(at * MINUTE).data["privileged"] for at in (300, 395)] == [True, False]


def test_an_object_that_appeared_between_two_readings_is_learnt_later_and_one_of_the_first_reading_first_known():
    appeared = History("B2", (period(NEW, 200, 300, after=195),))
    always = History("B2", (period(NEW, 200, 300),))

    assert (appeared.at(197 * MINUTE).mark, always.at(197 * MINUTE).mark) == ("learnt later", "first known")


def test_what_began_at_a_time_that_nobody_knows_is_only_first_known():
    old = History("B2", (replace(period(NEW, 0, 0), since=FAR),))

    assert old.at(200 * MINUTE).data == {
        "uid": "B2", "kind": "user", "name": "Another Dana", "upn": UPN, "privileged": False, "roles": [],
        "service_account": False, "known": "first known",
    }  # fmt: skip


def test_roles_that_were_never_read_are_not_said_to_be_none():
    unread = History("B2", (period(NEW, 100, 300, roles_read=False),))

    assert not {"roles", "privileged"} & unread.at(200 * MINUTE).data.keys()


def test_of_a_time_of_which_only_the_sum_was_kept_it_says_so():
    summed = History("A1", (period(ADMIN, 100, 195, 200, merged=70), period(USER, 200, 300)))
    data = summed.at(150 * MINUTE).data

    assert (data["known"], data["periods"], data["roles"]) == ("summed up", 70, ["Global Administrator"])
    assert (data["since"], data["until"]) == ("1970-01-01T01:40:00Z", "1970-01-01T03:20:00Z")


#: A user name that the old account had until it was deleted, and the new one got later.
OLD_ONE = History("A1", (period(ADMIN, 100, 195, 200, deleted=True),))
NEW_ONE = History("B2", (period(NEW, 400, 500, after=390),))


@each(
    ("at", "uid"),
    [(50, "A1"), (150, "A1"), (198, "A1"), (300, None), (395, "B2"), (450, "B2"), (9_000, "B2")],
)
def test_a_user_name_alone_means_who_had_it_then(at, uid):
    for holders in ((OLD_ONE, NEW_ONE), (NEW_ONE, OLD_ONE)):
        view = find(UPN, holders, at * MINUTE)

        assert (view.data.get("uid") if view else None) == uid


def test_a_user_name_that_changed_hands_between_two_readings_names_nobody_and_says_who_it_may_be():
    was = History("A1", (period(ADMIN, 100, 195, 200), period(replace(ADMIN, upn="d@contoso.example"), 200, 300)))
    got = History(
        "B2", (period(replace(NEW, upn="b@contoso.example"), 100, 195, 200), period(NEW, 200, 300, after=195))
    )
    views = [find(UPN, (was, got), at * MINUTE) for at in (194, 197, 201)]

    assert [view.data.get("uid") for view in views] == ["A1", None, "B2"]
    assert (views[1].entity, views[1].data) == (None, {"known": "ambiguous", "among": ["A1", "B2"]})


def test_two_that_had_one_user_name_when_they_were_first_known_are_ambiguous_before():
    twice = [History(uid, (period(replace(NEW, id=uid), 200, 300),)) for uid in ("B2", "C3")]

    assert find(UPN, twice, 100 * MINUTE).mark == "ambiguous"
    assert find(UPN, twice, 250 * MINUTE).mark == "ambiguous"


def test_a_user_name_that_very_many_had_is_ambiguous_and_an_own_id_never_is():
    many = [History(f"X{number}", (period(NEW, 400, 500),)) for number in range(MANY - 1)]

    assert find(UPN, [*many, OLD_ONE], 150 * MINUTE).mark == "ambiguous"
    assert find("a1", [*many, OLD_ONE], 150 * MINUTE).data["uid"] == "A1"


def test_somebody_renamed_between_two_readings_is_found_by_both_names_in_between_only():
    renamed = History("A1", (period(ADMIN, 100, 195, 200), period(replace(ADMIN, upn="x@contoso.example"), 200, 300)))
    found = {
        (name, at): find(f"{name}@contoso.example", [renamed], at * MINUTE) is not None
        for name in ("dana", "x")
        for at in (150, 250)
    }

    assert found == {("dana", 150): True, ("dana", 250): False, ("x", 150): False, ("x", 250): True}
    assert find(UPN, [renamed], 197 * MINUTE).data["upn"] == UPN


def test_without_a_time_a_user_name_means_who_has_it_now():
    assert find(UPN, [OLD_ONE, NEW_ONE], None).data["uid"] == "B2"
    assert find("a1", [OLD_ONE], None).mark == "no time"
    assert find(UPN, [OLD_ONE], None) is None


def test_a_change_that_no_event_tells_of_makes_nothing_uncertain():
    same = History("A1", (period(ADMIN, 100, 195, 200), period(ADMIN, 200, 300, after=195)))

    assert same.at(197 * MINUTE).data == same.at(150 * MINUTE).data


def test_an_applications_id_means_it_also_before_the_directory_had_heard_of_it():
    app = Entity("S1", "service principal", "Payroll Bridge", app_id="APP-1")
    one = History("S1", (Period(app, 200 * MINUTE, 195 * MINUTE, 300 * MINUTE, None, frozenset({"app-1"})),))

    assert find("app-1", [one], 100 * MINUTE).data["known"] == "learnt later"
    assert find("app-1", [one], 250 * MINUTE).data["known"] == "at the time"
