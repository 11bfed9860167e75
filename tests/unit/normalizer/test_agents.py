"""User agents: which browser, on which system."""

from __future__ import annotations

from aoc_normalizer.fields import agents
from aoc_normalizer.render import ocsf_enums
from each import each

EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"
)


@each(
    ("agent", "expected"),
    [
        (
            EDGE,
            {"browser": "Edge", "browser_version": "131.0", "os": "Windows", "os_version": "10"},
        ),
        ("python-requests/2.31.0", {"browser": "Python Requests", "browser_version": "2.31"}),
        ("Client=OWA;Action=ViaProxy", {}),
        ("BAV2ROPC", {}),
        ("", {}),
    ],
)
def test_an_agent_says_browser_and_system_as_far_as_it_tells(agent, expected) -> None:
    assert agents.of(agent) == expected


def test_a_huge_agent_is_read_in_part() -> None:
    assert agents.of("(" * 100_000) == {}


@each(
    ("said", "kind"),
    [
        ("Windows10", "Windows"),
        ("Ios 17.5", "iOS"),
        ("MacOs", "macOS"),
        ("Android 14", "Android"),
        ("iPadOS", "iPadOS"),
        ("Tizen", "Tizen"),
    ],
)
def test_systems_have_ocsf_s_names(said, kind) -> None:
    assert ocsf_enums.system(said)["type"] == kind


@each(
    ("said", "kind"),
    [
        ("Password", "Password"),
        ("Mobile app notification", "Push Notification"),
        ("Text message", "SMS"),
        ("OATH verification code", "OTP"),
        ("Passkey (device-bound)", "WebAuthn"),
        ("X.509 Certificate", "Hardware Token"),
        ("Carrier pigeon", "Carrier pigeon"),
    ],
)
def test_methods_have_ocsf_s_names(said, kind) -> None:
    assert ocsf_enums.factor(said)["factor_type"] == kind
