"""The program that calls apprise: requests come on stdin, answers go to stdout, one JSON object a line.

It is a process of its own, since apprise's hundred plugins block, take as long as they like, and are others' code:
this way they have no secret but the address they send to, can be killed, and cost nothing where no route needs them.
In this process

- no connection goes to an address that is not public unless its network is allowed; what is checked is what the
  socket connects to, so a name that leads elsewhere the next time, a redirect, or a mail server gains nothing;
- no program is started;
- certificates are checked, and no redirect is followed, whatever the address or a plugin says.
"""

from __future__ import annotations

import logging
import os
import re
import smtplib
import sys
from dataclasses import dataclass, field
from functools import wraps
from hashlib import blake2b
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson

from aoc_common.outbound.addresses import Addresses, network
from aoc_common.outbound.refusals import Unusable, one_line
from aoc_common.outbound.web import ABOUT_CONTENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedIOBase

_CONNECTS: Final = ("socket.connect", "socket.sendto", "socket.sendmsg")
_STARTS: Final = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
})  # fmt: skip
_REDIRECTS: Final = range(300, 400)
_SERVER: Final = 500
_LATER: Final = frozenset({408, 425, 429})
#: From here on a mail server's answer is final (RFC 5321, 4.2.1).
_SMTP_FINAL: Final = 500
_BODY: Final = 300
#: Bytes of an answer: none to a message is longer, and this process shares its memory with the alerter.
_LONGEST: Final = 1024 * 1024
_PART: Final = 64 * 1024
#: What Slack says with 200 when it will never take what was sent, and when it is in trouble. All else is about us.
_SLACK_CONTENT: Final = frozenset({
    "msg_too_long", "no_text", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "msg_blocks_too_long",
})  # fmt: skip
_SLACK_AWAY: Final = frozenset({
    "fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout", "service_unavailable",
})  # fmt: skip
#: Seconds for a connection, and for an answer.
_CONNECT_S: Final = 5.0
_READ_S: Final = 10.0
#: How grave it looks where a destination has colours.
_TYPES: Final = {"informational": "info", "low": "info", "medium": "warning", "high": "failure", "critical": "failure"}
#: Parts of an address, any of which may be a secret; shorter ones would blot out words.
_PARTS: Final = re.compile(r"[^\s/:@?&=#+,.]{6,}")
_PATH: Final = re.compile(r"with url: \S+")


@dataclass(slots=True)
class Report:
    """What happened while one message was sent.

    `connected`: somebody was reached out to. `had`, `taken`: recipients that had it before, and have it now. `kind`,
    `words`: of the last refusal that is known.
    """

    addresses: Addresses
    had: frozenset[str] = frozenset()
    connected: bool = False
    taken: set[str] = field(default_factory=set)
    kind: str = ""
    words: str = ""
    logged: list[str] = field(default_factory=list)

    def refused(self, kind: str, words: str) -> None:
        """Somebody refused."""
        self.kind, self.words = kind, words


class _Guard:
    """What this process may do. `said`: of the message that is being sent; before the first one nothing is reached."""

    def __init__(self) -> None:
        self.report = Report(Addresses())

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """A hook of the interpreter (PEP 578): raises for what may not be."""
        if event in _CONNECTS and (event != "socket.sendmsg" or arguments[-1] is not None):
            self._check(arguments[-1])
        elif event in _STARTS:
            raise PermissionError(f"{event}: a notification starts no program")

    def _check(self, target: object) -> None:
        try:
            host = target[0] if isinstance(target, tuple) else None
            self.report.addresses.check(ip_address(str(host).partition("%")[0]))
        except (ValueError, Unusable) as error:
            words = str(error) if isinstance(error, Unusable) else "an address that is no address of the internet"
            self.report.refused("unusable", words)
            raise PermissionError(words) from None
        self.report.connected = True

    def answered(self, status: int, body: bytes) -> None:
        """An answer over HTTP."""
        words = f"{status} {body[:_BODY].decode('utf-8', 'replace')}"
        if status in _REDIRECTS:
            self.report.refused("unusable", f"{status}: a redirect, which is not followed")
        elif status in ABOUT_CONTENT:
            self.report.refused("refused", words)
        elif status >= _SERVER or status in _LATER:
            self.report.refused("unreachable", words)
        elif status >= min(ABOUT_CONTENT):
            self.report.refused("unusable", words)
        elif (reason := _not_ok(body)) is not None:
            kind = "refused" if reason in _SLACK_CONTENT else "unreachable" if reason in _SLACK_AWAY else "unusable"
            self.report.refused(kind, f"{status} {reason}")

    def mail_refused(self, error: smtplib.SMTPException, *, content: bool) -> None:
        """A mail server has refused what was sent, or us."""
        codes = [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            codes = [code for code, _ in error.recipients.values()]
        final = bool(codes) and min(codes) >= _SMTP_FINAL
        kind = ("refused" if content else "unusable") if final else "unreachable"
        self.report.refused(kind, f"{type(error).__name__} {error}")


GUARD: Final = _Guard()


class _Log(logging.Handler):
    """What apprise logs, for the words of who gave none."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING or "xception" in text[:60]:
            GUARD.report.logged.append(text[:_BODY])


def install() -> None:
    """Guard this process, for good."""
    import requests

    def observed(send: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(send)
        def sending(self: Any, request: Any, **options: Any) -> Any:
            answer = send(self, request, **(options | {"verify": options.get("verify") or True}))
            GUARD.answered(answer.status_code, _content(answer))
            return answer

        return sending

    def unredirected(ask: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(ask)
        def asking(self: Any, method: str, url: str, **options: Any) -> Any:
            self.trust_env = False  # no proxy and no .netrc of whoever started us
            return ask(self, method, url, **(options | {"allow_redirects": False}))

        return asking

    requests.adapters.HTTPAdapter.send = observed(requests.adapters.HTTPAdapter.send)  # type: ignore[method-assign]
    requests.Session.request = unredirected(requests.Session.request)  # type: ignore[method-assign]
    for name, content in (("sendmail", True), ("login", False)):
        setattr(smtplib.SMTP, name, _mail(getattr(smtplib.SMTP, name), content=content))
    log = logging.getLogger("apprise")
    log.propagate, log.handlers = False, [_Log()]
    log.setLevel(logging.DEBUG)
    sys.addaudithook(GUARD.audit)


def _content(answer: Any) -> bytes:
    """An answer's body, which it has from then on. Raises as `requests` does."""
    import requests

    content = bytearray()
    for part in answer.iter_content(_PART):
        content += part
        if len(content) > _LONGEST:
            answer.close()
            GUARD.report.refused("unreachable", f"an answer of more than {_LONGEST:,} bytes")
            raise requests.RequestException(GUARD.report.words)
    answer._content = bytes(content)  # noqa: SLF001  # requests has no other way to bound it
    return bytes(content)


def _not_ok(body: bytes) -> str | None:
    """Why a message was not taken although the status says so: Slack's `{"ok": false, "error": ...}`."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return str(read.get("error", "not ok"))[:_BODY] if isinstance(read, dict) and read.get("ok") is False else None


def _mail(call: Callable[..., Any], *, content: bool) -> Callable[..., Any]:
    @wraps(call)
    def calling(*given: Any, **named: Any) -> Any:
        try:
            return call(*given, **named)
        except smtplib.SMTPException as error:
            GUARD.mail_refused(error, content=content)
            raise

    return calling


def deliver(request: dict[str, Any]) -> dict[str, Any]:
    """Send one message: `{"kind": "sent" | "refused" | "unusable" | "unreachable", "words": ..., "taken": [...]}`."""
    addresses = Addresses(tuple(map(network, request["allowed_networks"])))
    GUARD.report = report = Report(addresses, frozenset(request["had"]))
    try:
        sent = _notify(request)
    except Exception as error:  # noqa: BLE001  # of any plugin; it is told in words
        sent = False
        report.logged.append(f"{type(error).__name__}: {error}")
    kind, words = _outcome(sent, report)
    return {"kind": kind, "words": one_line(without_secrets(words, request["url"])), "taken": sorted(report.taken)}


def _outcome(sent: bool | None, report: Report) -> tuple[str, str]:
    """What came of a message, `sent` or not as apprise says; None: it knows no such service."""
    if sent is None:
        return "unusable", "apprise makes nothing of this address"
    if sent and (report.connected or report.had):
        return "sent", ""
    if sent:
        # Some services of apprise let a message pass whose kind means nothing to them, or another thing than an alert.
        return "unusable", "apprise has sent nothing, and says that it did"
    kind, words = report.kind or "unreachable", report.words or "; ".join(report.logged[-2:]) or "it was not sent"
    if (have := len(report.had | report.taken)) and kind != "unreachable":
        # It is final for those who refuse, and a route that fails for days over them would be late for all.
        return "refused", f"{have} have it, others do not: {words}"
    return kind, words


def without_secrets(words: str, url: str) -> str:
    """Words of others, and of libraries, without what stands in an address."""
    words = _PATH.sub("", words)
    for part in sorted(set(_PARTS.findall(url) + _PARTS.findall(unquote(url))), key=len, reverse=True):
        words = words.replace(part, "...")
    return words


def _notify(request: dict[str, Any]) -> bool | None:
    """Have apprise send it; what it says of that. None: it makes nothing of the address."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id="AOC",
        app_desc="Admin Operations Center",
        app_url=request["home"],
        image_url_mask="",  # readers fetch no picture from elsewhere
        image_url_logo="",
        http_redirects=False,
        async_mode=False,
        default_service_retry=0,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    service: Any = apprise.Apprise.instantiate(request["url"], asset=asset, suppress_exceptions=True)
    if service is None:
        return None
    service.redirects, service.verify_certificate = False, True
    service.socket_connect_timeout, service.socket_read_timeout = _CONNECT_S, _READ_S
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.is_delivered, service.mark_delivered = _is_delivered, _mark_delivered
    if getattr(service, "dedup", "") is None:
        service.dedup = request["about"]  # a pager's incident: raised once, and closed
    if request["over"] and getattr(service, "action", "") == "trigger":
        service.action = "map"  # what it closes by the kind of message
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    notify_type = apprise.NotifyType("success" if request["over"] else _TYPES[request["severity"]])
    body, form = request["body"], apprise.NotifyFormat.TEXT
    if service.resolve_format(form) == apprise.NotifyFormat.MARKDOWN:
        body, form = markdown(body, request["home"]), apprise.NotifyFormat.MARKDOWN
    return bool(sender.notify(body, request["title"], notify_type=notify_type, body_format=form))


def _is_delivered(recipient: object, **_: object) -> bool:
    """A service of apprise asks whether one of its recipients has the message."""
    return _token(recipient) in GUARD.report.had


def _mark_delivered(recipient: object, **_: object) -> None:
    """A service of apprise notes that one of its recipients has it."""
    GUARD.report.taken.add(_token(recipient))


def _token(recipient: object) -> str:
    return blake2b(repr(recipient).encode(), digest_size=8).hexdigest()


def markdown(text: str, home: str) -> str:
    """Plain text as CommonMark, line by line; what begins with `home` is a link, and nothing else is."""
    from apprise.conversion import text_to_markdown

    escaped: Callable[[str], str] = text_to_markdown
    parts = re.split(rf"({re.escape(home.rstrip('/'))}/\S*)", text) if home else [text]
    made = [f"[{part}]({part})" if place % 2 else escaped(part) for place, part in enumerate(parts)]
    return "".join(made).replace("\n", "\n\n")


def main() -> None:
    """Answer requests until stdin ends."""
    answers: BufferedIOBase = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a plugin prints is no answer
    install()
    for line in sys.stdin.buffer:
        answers.write(orjson.dumps(deliver(orjson.loads(line))) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
