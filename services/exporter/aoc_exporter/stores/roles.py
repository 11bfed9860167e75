"""Keys of a role that is assumed at AWS's Security Token Service, as Security Lake asks for."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from aoc_common import http
from aoc_common.errors import Refused, Unreachable
from aoc_common.outbound.refusals import Unusable
from aoc_exporter.stores import answers
from aoc_exporter.stores.signing import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.clock import Clock
    from aoc_exporter.stores.s3 import S3Options
    from aoc_exporter.stores.signing import Signer

#: Keys are replaced this long before they end.
_MARGIN: Final = timedelta(minutes=5)
_NO_BODY: Final = sha256(b"").hexdigest()
#: Of the XML of an answer, whose members have no attributes.
_MEMBERS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")


class RoleKeys:
    """Keys of one role, renewed before they end. Concurrent calls share a renewal."""

    def __init__(self, options: S3Options, signer: Signer, client: Callable[[], http.Client], clock: Clock) -> None:
        asked = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": options.role or "",
            "RoleSessionName": "aoc-exporter",
            **({"ExternalId": options.external_id} if options.external_id else {}),
        }
        self._host = f"sts.{options.region}.{options.domain}"
        self._path = f"/?{urlencode(sorted(asked.items()), quote_via=quote, safe='')}"
        self._signer = signer
        self._client = client
        self._clock = clock
        self._remote = answers.remote("sts")
        self._keys: Any = None
        self._renew_at: datetime | None = None
        self._renewing = asyncio.Lock()

    async def provider(self) -> Any:
        """As `signing.Keys` says."""
        async with self._renewing:
            if self._renew_at is None or self._clock.now() >= self._renew_at:
                self._keys, self._renew_at = await self._assumed()
            return self._keys

    async def _assumed(self) -> tuple[Any, datetime]:
        headers = await self._signer.signed("GET", self._path, {"Host": self._host}, _NO_BODY)
        url = f"https://{self._host}{self._path}"
        async with self._client() as client:
            try:
                answer = await http.send(client, "GET", url, self._remote, headers=headers)
            except Refused as error:
                raise Unusable(f"the role is not given: {error}", status=error.status) from None
        return _read(answer.body)


def _read(body: bytes) -> tuple[Any, datetime]:
    """Keys, and when to replace them."""
    found = [re.search(rf"<{name}>\s*([^<\s]+)\s*</{name}>".encode(), body) for name in _MEMBERS]
    try:
        key, secret, token, ends = [one[1].decode("ascii") for one in found if one is not None]
        return keys_of(key, secret, token), datetime.fromisoformat(ends) - _MARGIN
    except (ValueError, OverflowError):
        raise Unreachable("sts: an answer that holds no keys") from None
