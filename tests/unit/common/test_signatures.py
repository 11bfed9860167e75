from __future__ import annotations

import pytest

from aoc_common.outbound.signatures import BadSignature, key_of, signed, verified

OLD, NEW, OTHER = (key_of(f"whsec_{letter * 32}") for letter in "abc")
NOW = 1_763_884_800


def test_a_message_is_verified_by_each_secret_within_five_minutes() -> None:
    for key in (OLD, NEW):
        assert verified([NEW, OLD], signed(key, "msg_1", NOW, b"{}"), b"{}", NOW) == "msg_1"
    for late in (-300, 300):
        assert verified([NEW], signed(NEW, "msg_1", NOW, b"{}"), b"{}", NOW + late) == "msg_1"
    both = signed(OTHER, "m", NOW, b"")["webhook-signature"] + " " + signed(NEW, "m", NOW, b"")["webhook-signature"]
    assert verified([NEW], {**signed(NEW, "m", NOW, b""), "webhook-signature": both}, b"", NOW) == "m"


def test_what_proves_nothing_is_refused_and_says_why() -> None:
    good = dict(signed(NEW, "msg_1", NOW, b"{}"))
    many = " ".join(["v1,x"] * 10) + " " + good["webhook-signature"]
    refused = {
        "webhook-id": [{"webhook-id": ""}, {"webhook-id": "x" * 201}, {"webhook-id": "a b"}, {"webhook-id": "m\x00"}],
        "webhook-timestamp": [
            {"webhook-timestamp": at} for at in ("", "-1", "1e9", "\u0661", "9" * 13, str(NOW - 301))
        ],
        "webhook-signature": [{"webhook-signature": of} for of in ("", "v1,", "v1a," + many[-44:], many, "\u00e9")],
    }
    for header, changes in refused.items():
        for change in changes:
            with pytest.raises(BadSignature, match=header):
                verified([NEW, OLD], good | change, b"{}", NOW)
    for keys, body in (([OTHER], b"{}"), ([], b"{}"), ([NEW], b"{ }")):
        with pytest.raises(BadSignature, match="webhook-signature"):
            verified(keys, good, body, NOW)
    with pytest.raises(BadSignature, match="webhook-id"):
        verified([NEW], {}, b"{}", NOW)
