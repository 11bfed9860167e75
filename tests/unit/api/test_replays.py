from __future__ import annotations

from aoc_api.webhooks.notifications import ChangeNotification
from aoc_api.webhooks.replays import Replays, key_of
from manual_clock import ManualClock

HOUR = 3600


def notification(**members):
    return ChangeNotification.model_validate({"subscriptionId": "s1", "changeType": "updated"} | members)


def test_a_notification_is_remembered_for_as_long_as_microsoft_may_repeat_it():
    clock = ManualClock()
    replays, key = Replays(10, clock), key_of(notification(id="n1"))
    replays.remember([key])

    clock.advance(4 * HOUR)
    assert replays.known(key)
    clock.advance(HOUR + 1)
    assert not replays.known(key)


def test_what_might_be_another_change_is_a_replay_for_a_minute_only():
    clock = ManualClock()
    replays = Replays(10, clock)
    plain, numbered = (
        key_of(notification(resourceData=data)) for data in ({"id": "1"}, {"id": "1", "sequenceNumber": 7})
    )
    replays.remember([plain, numbered])

    clock.advance(59)
    assert replays.known(plain)
    clock.advance(2)
    assert (replays.known(plain), replays.known(numbered)) == (False, True)


def test_memory_is_bounded_and_the_oldest_are_forgotten_first():
    replays = Replays(100, ManualClock())
    keys = [key_of(notification(id=str(number))) for number in range(250)]
    replays.remember(keys)

    assert [replays.known(key) for key in keys] == [False] * 150 + [True] * 100


def test_the_same_id_at_another_subscription_is_another_notification():
    assert key_of(notification(id="1")).digest != key_of(notification(id="1", subscriptionId="s2")).digest


def test_ids_cannot_be_chosen_so_that_they_look_like_others():
    one, other = notification(subscriptionId="a", id="b,c"), notification(subscriptionId="a,b", id="c")

    assert key_of(one).digest != key_of(other).digest
