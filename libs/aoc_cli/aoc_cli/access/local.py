"""The local stack lets in who may read its data directory, by an API key there; and who that is.

```
secrets/api-key           of the command line; may do everything, and ends when it was not used for a month
secrets/monitoring-token  opens /metrics and the details of /health
```
"""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.access import Grant
from aoc_common.contracts.credentials import fingerprint, new_api_key
from aoc_common.store.api_keys import ApiKey

if TYPE_CHECKING:
    from aoc_cli.local.stack import DataDirectory
    from aoc_common.settings import MongoSettings

#: The person who runs commands where AOC runs, with its secrets: may do everything anyway.
OPERATOR: Final = "local/operator"
#: What he may do at the gateway.
EVERYTHING: Final = (Grant("superadmin", everything=True),)
_UNUSED: Final = timedelta(days=30)


def user_name() -> str | None:
    """The login of who runs this command, also behind sudo; None where the machine does not know its user."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return None


def principal() -> str:
    """Who runs this command, as what is changed by it notes: `local/` and the login."""
    name = user_name()
    return OPERATOR if name is None else f"local/{name}"


def monitoring_token(data: DataDirectory) -> str:
    """Reference to the token of the directory, made at first use."""
    return f"file:{data.secret('monitoring-token')}"


async def api_key(data: DataDirectory, mongo: MongoSettings) -> str:
    """The directory's own API key, made at first use, and known to the gateway for another month from now."""
    secret = data.secret("api-key", new_api_key).read_text()
    await make_known(secret, mongo)
    return secret


async def make_known(secret: str, mongo: MongoSettings) -> None:
    """Have the gateway take a key as the operator's, for another month from now."""
    # Imported here: commands that ask a gateway do without the database driver.
    from aoc_common.store.mongo.api_keys import MongoApiKeys
    from aoc_common.store.mongo.client import connect

    of, now = fingerprint(secret), datetime.now(UTC)
    key = ApiKey(of.id, "the command line at this machine", EVERYTHING, OPERATOR, now, now + _UNUSED)
    async with connect(mongo) as database:
        await MongoApiKeys(database).put(key, of)
