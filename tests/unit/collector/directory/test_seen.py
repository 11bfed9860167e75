"""Between which moments a change of a directory lies, as the collector tells the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from directory_answers import DELTA, USERS, answers, page, refusal, user

LAG = timedelta(minutes=2)
GONE = {"id": "a", "@removed": {"reason": "changed"}}


async def test_a_change_lies_between_the_last_complete_reading_and_the_answer_that_shows_it(
    keep, microsoft, store, clock
):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    began = clock.now()
    await keep()
    await clock.sleep(300)
    microsoft.respond = answers((DELTA, [refusal(500), page(GONE, delta=DELTA)]))
    await keep()
    first, second = store.seen[0], store.seen[-1]

    assert (first.at, first.after) == (began, None)
    assert (second.at >= began + timedelta(minutes=5), second.after) == (True, began - LAG)
    assert second.generation > first.generation


async def test_a_reading_that_did_not_end_or_left_something_unread_confirms_nothing(keep, microsoft, store, clock):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    began = clock.now()
    await keep()
    await clock.sleep(300)
    microsoft.respond = answers((DELTA, page(user("b"))))
    await keep()
    unfinished = (await store.state("contoso", "user")).read_from
    microsoft.respond = answers((DELTA, page(raw=b'[{"id":7}]', delta=DELTA)))
    await keep()
    unread = (await store.state("contoso", "user")).read_from
    await clock.sleep(300)
    microsoft.respond = answers((DELTA, page(delta=DELTA)))
    began_again = clock.now()
    await keep()

    assert unfinished == unread == began - LAG
    assert (await store.state("contoso", "user")).read_from == began_again - LAG


async def test_a_reading_from_the_beginning_compares_with_the_last_one_before_it(keep, microsoft, store, clock):
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    began = clock.now()
    await keep()
    await clock.sleep(8 * 86400)
    microsoft.respond = answers((DELTA, refusal(410)), (USERS, page(user("b"), delta=DELTA)))
    await keep()

    assert (store.ids(), store.seen[-1].after) == ({"b"}, began - LAG)


async def test_a_reading_of_roles_that_a_later_one_has_overtaken_changes_nothing(keep, microsoft, store):
    begins = answers(("https://graph.microsoft.com", page()))

    def respond(request):
        if "roleAssignments" in str(request.url):
            state = store.states["contoso", "role"]
            store.states["contoso", "role"] = replace(state, generation=state.generation + 1)
        return begins(request)

    store.held["contoso"] = before = {"somebody": "Global Administrator"}
    microsoft.respond = respond
    await keep("role")

    assert store.held["contoso"] is before
