"""What Graph answers about a directory."""

from __future__ import annotations

from typing import Final

import httpx
import orjson

GRAPH: Final = "https://graph.microsoft.com"
USERS: Final = f"{GRAPH}/v1.0/users/delta"
NEXT: Final = f"{USERS}?$skiptoken=Abc%2BdE_f-%3d&odd==1"
DELTA: Final = f"{USERS}?$deltatoken=Xyz%2B"


def page(*objects, following=None, delta=None, raw=None):
    body = b'{"@odata.context":"x","value":' + (raw or orjson.dumps(objects))
    for name, link in (("nextLink", following), ("deltaLink", delta)):
        body += f',"@odata.{name}":'.encode() + orjson.dumps(link) if link else b""
    return httpx.Response(200, content=body + b"}")


def user(object_id, **properties):
    return {"id": object_id, "displayName": object_id.upper()} | properties


def refusal(status, code="", headers=None):
    return httpx.Response(status, json={"error": {"code": code, "message": "no"}}, headers=headers)


def answers(*pairs):
    """Answers by the beginning of the address; a list is used up one by one, its last one for good."""

    def respond(request):
        for start, given in pairs:
            if str(request.url).startswith(start):
                return given if not isinstance(given, list) else given.pop(0) if len(given) > 1 else given[0]
        raise AssertionError(request.url)

    return respond
