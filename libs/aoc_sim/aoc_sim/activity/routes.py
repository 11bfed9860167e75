"""The Management Activity API's routes."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response
from starlette.routing import Route

from aoc_sim.activity import errors
from aoc_sim.activity.listing import Window, blob_body, list_blobs, next_page, partial, read_window
from aoc_sim.activity.subscriptions import CONTENT_TYPES, Subscriptions
from aoc_sim.activity.webhooks import deliver, read_webhook, shown
from aoc_sim.clock import from_us, iso, seconds
from aoc_sim.responses import base_url, json_answer
from aoc_sim.tokens import InvalidTokenError, Tokens
from aoc_sim.world import WEEK_US

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from aoc_sim.outgoing import SentRequest
    from aoc_sim.settings import SimSettings
    from aoc_sim.throttle import Throttler
    from aoc_sim.timeline import World
    from aoc_sim.world import Blob, Feed, TenantWorld

_ROOT = "/api/v1.0/{tenant}/activity/feed"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[\w$.\-]+")
_SERVER_ERRORS = (500, 502, 503, 504)
_DLP_ROLE = "ActivityFeed.ReadDlp"
#: Content items in a notification.
_NOTIFIED_ITEMS = 10

type Handler = Callable[[Request, TenantWorld, frozenset[str]], Awaitable[Response]]


class Activity:
    """manage.office.com, as far as audit collectors see it."""

    def __init__(self, settings: SimSettings, world: World, tokens: Tokens, throttler: Throttler) -> None:
        self._settings = settings
        self._world = world
        self._tokens = tokens
        self._throttler = throttler
        self._subscriptions = Subscriptions()

    def routes(self) -> list[Route]:
        """The routes."""
        table: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "/subscriptions/start", self.start),
            ("POST", "/subscriptions/stop", self.stop),
            ("GET", "/subscriptions/list", self.list),
            ("GET", "/subscriptions/content", self.content),
            ("GET", "/audit/{content_id:path}", self.blob),
        )
        return [Route(_ROOT + path, self._guard(handler), methods=[method]) for method, path, handler in table]

    async def start(self, request: Request, tenant: TenantWorld, roles: frozenset[str]) -> Response:
        """`POST subscriptions/start`."""
        content_type = _content_type(request, roles)
        self._refuse_disabled(tenant, content_type)
        webhook = await read_webhook(request, self._world.clock.now())
        held = self._subscriptions.start(tenant, content_type, self._world.unstepped_us(), webhook)
        return json_answer(held.body(self._world.clock.now()))

    async def stop(self, request: Request, tenant: TenantWorld, roles: frozenset[str]) -> Response:
        """`POST subscriptions/stop`: an empty answer."""
        self._subscriptions.stop(tenant, _content_type(request, roles), self._world.unstepped_us())
        return Response(b"", 200)

    async def list(self, request: Request, tenant: TenantWorld, roles: frozenset[str]) -> Response:
        """`GET subscriptions/list`."""
        del request, roles
        now = self._world.clock.now()
        disabled = self._world.switches.of(tenant.settings.tenant_id).disabled
        return json_answer(
            [
                held.body(now) | ({"status": "disabled"} if held.content_type in disabled else {})
                for held in self._subscriptions.all(tenant)
            ]
        )

    async def content(self, request: Request, tenant: TenantWorld, roles: frozenset[str]) -> Response:
        """`GET subscriptions/content`: the next page is in the header NextPageUri."""
        content_type = _content_type(request, roles)
        self._refuse_disabled(tenant, content_type)
        held = self._subscriptions.running(tenant, content_type)
        wide = self._settings.activity_wide_windows == "partial"
        window = read_window(_options(request), self._world.clock.now(), wide=wide)
        feed = tenant.feeds[CONTENT_TYPES[content_type]]
        now_us = self._world.now_us()
        root = self._root(request, tenant)
        headers: dict[str, str] = {}
        blobs: list[Blob] = []
        more = False
        warm_us = held.first_started_us + seconds(self._settings.activity_warmup_hours * 3600)
        if self._world.unstepped_us() < warm_us:
            pass  # the first content of a new subscription takes its time
        elif self._world.dice.strikes("empty_page"):
            after = f"{window.after[0]}R{window.after[1]}" if window.after else "0R0"
            headers["NextPageUri"] = _next_uri(request, root, content_type, window, after)
        else:
            blobs, more = list_blobs(feed, partial(window), now_us, self._settings.pages.activity_listing)
        if more and self._world.dice.strikes("next_page_loop"):
            headers["NextPageUri"] = str(request.url)
        elif more:
            headers["NextPageUri"] = _next_uri(request, root, content_type, window, next_page(blobs[-1]))
        if "NextPageUri" not in headers:
            requested = partial(window)
            slug = tenant.settings.slug
            self._world.deliveries.note(slug, CONTENT_TYPES[content_type], now_us, requested.start_us, requested.end_us)
        self._world.pages_served += 1
        return json_answer([self._listed(blob, content_type, root) for blob in blobs], headers=headers)

    async def blob(self, request: Request, tenant: TenantWorld, roles: frozenset[str]) -> Response:
        """`GET audit/{contentId}`: an array of 1..N records in no order."""
        del roles
        key: str = request.path_params["content_id"]
        if not _CONTENT_ID.fullmatch(key):
            raise errors.bad_content_id(key)
        now_us = self._world.now_us()
        for content_type, source in CONTENT_TYPES.items():
            feed = tenant.feeds[source]
            blob = feed.by_id.get(key)
            if blob is None or blob.created_us > now_us or not feed.listed(blob):
                continue
            self._subscriptions.running(tenant, content_type)
            if blob.created_us + WEEK_US <= now_us or self._is_expired(feed, blob):
                raise errors.expired(key)
            feed.served.add(blob.seq)
            self._world.pages_served += 1
            shown = b"[" + b",".join(map(self._world.show, blob.entries)) + b"]"
            return json_answer(self._world.malformed.body(blob, shown))
        raise errors.no_content(key)

    def _listed(self, blob: Blob, content_type: str, root: str) -> dict[str, Any]:
        """A blob as a listing shows it, with its (possibly malformed) address."""
        body = blob_body(blob, content_type, root)
        return body | {"contentUri": self._world.malformed.uri(blob, body["contentUri"])}

    def _is_expired(self, feed: Feed, blob: Blob) -> bool:
        """Whether a blob expired before its time. Once served, it stays."""
        if blob.seq not in feed.served and blob.seq not in feed.expired and self._world.dice.strikes("expired_blob"):
            feed.expired.add(blob.seq)
        return blob.seq in feed.expired

    async def notify(self, tenant: TenantWorld, content_type: str, base: str) -> Sequence[SentRequest]:
        """Tell the webhook of a subscription of the newest content; nothing when there is none, or it is disabled."""
        held = next(
            (
                subscription
                for subscription in self._subscriptions.all(tenant)
                if subscription.content_type == content_type
            ),
            None,
        )
        webhook = shown(held.webhook, self._world.clock.now()) if held else None
        if held is None or held.webhook is None or webhook is None or webhook["status"] != "enabled":
            return []
        root = base + _ROOT.replace("{tenant}", tenant.settings.tenant_id)
        now_us = self._world.now_us()
        blobs = [blob for blob in tenant.feeds[CONTENT_TYPES[content_type]].blobs if blob.created_us <= now_us]
        owner = {"tenantId": tenant.settings.tenant_id, "clientId": tenant.settings.client_id}
        items = [owner | self._listed(blob, content_type, root) for blob in blobs[-_NOTIFIED_ITEMS:]]
        return [await deliver(held.webhook, orjson.dumps(items))]

    def _guard(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                verified = self._tokens.verify(request.headers.get("authorization"), "activity")
                caller = self._world.switches.held(verified)
            except InvalidTokenError as error:
                body = {"Message": f"Authorization has been denied for this request: {error}"}
                return json_answer(body, status=401, headers={"WWW-Authenticate": "Bearer"})
            try:
                tenant = self._tenant(request.path_params["tenant"], caller.tenant_id)
                if "ActivityFeed.Read" not in caller.roles:
                    raise errors.not_permitted(caller.roles, "ActivityFeed.Read")
                publisher = _options(request).get("publisheridentifier", "")
                verdict = self._throttler.admit("activity", caller)
                if verdict.retry_after_s is not None:
                    raise errors.throttled(request.method, publisher, retry_after_s=verdict.retry_after_s)
                await self._misfortune(request.method, publisher)
                self._world.catch_up()
                return await handler(request, tenant, caller.roles)
            except errors.ActivityError as error:
                return error.answer()

        return handle

    def _tenant(self, in_url: str, in_token: str) -> TenantWorld:
        if not _GUID.fullmatch(in_url):
            raise errors.not_a_guid(in_url)
        tenant = self._world.by_tenant_id(in_url)
        if tenant is None:
            raise errors.unknown_tenant(in_url)
        if tenant.settings.tenant_id != in_token:
            raise errors.other_tenant(in_url, in_token)
        return tenant

    async def _misfortune(self, method: str, publisher: str) -> None:
        """The injected faults that strike any request."""
        dice = self._world.dice
        if dice.strikes("slow"):
            await asyncio.sleep(dice.settings.slow_s)
        if dice.strikes("http_429"):
            raise errors.throttled(method, publisher, retry_after_s=dice.settings.retry_after_s)
        if dice.strikes("http_429_no_retry_after"):
            raise errors.throttled(method, publisher)
        if dice.strikes("http_403_af429"):
            raise errors.throttled(method, publisher, status=403)
        if (wait := self._world.malformed.retry_after()) is not None:
            malformed = (errors.throttled(method, publisher, retry_after_s=wait), errors.broken(503, wait))
            raise dice.choose(malformed)
        if dice.strikes("http_5xx"):
            raise errors.broken(dice.choose(_SERVER_ERRORS))

    def _refuse_disabled(self, tenant: TenantWorld, content_type: str) -> None:
        """AF20023 while the control plane holds the subscription disabled."""
        if content_type in self._world.switches.of(tenant.settings.tenant_id).disabled:
            raise errors.disabled("a tenant admin")

    def _root(self, request: Request, tenant: TenantWorld) -> str:
        return base_url(request, self._settings) + _ROOT.replace("{tenant}", tenant.settings.tenant_id)


def _options(request: Request) -> dict[str, str]:
    """The query's parameters; their names are read without regard to case."""
    return {name.lower(): value for name, value in request.query_params.items()}


def _content_type(request: Request, roles: frozenset[str]) -> str:
    """The content type asked for: AF20001, AF20020, or AF10001 for DLP without its role."""
    requested = _options(request).get("contenttype")
    if not requested:
        raise errors.missing("contentType")
    for name in CONTENT_TYPES:
        if name.lower() == requested.lower():
            if name == "DLP.All" and _DLP_ROLE not in roles:
                raise errors.not_permitted(roles, _DLP_ROLE)
            return name
    raise errors.bad_content_type()


def _next_uri(request: Request, root: str, content_type: str, window: Window, page: str) -> str:
    options: dict[str, Any] = {
        "contentType": content_type,
        "startTime": _bound(window.start_us),
        "endTime": _bound(window.end_us),
        "nextPage": page,
    }
    if publisher := _options(request).get("publisheridentifier"):
        options["PublisherIdentifier"] = publisher
    return f"{root}/subscriptions/content?{urlencode(options, safe=':')}"


def _bound(micros: int) -> str:
    """A bound as it was given, to the microsecond: rounding it would move the window between pages."""
    at = from_us(micros)
    return iso(at).removesuffix("Z") if at.microsecond % 1000 == 0 else at.strftime("%Y-%m-%dT%H:%M:%S.%f")
