"""The gateway's certificate: replaced without a restart, never by half of a pair."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
from cryptography import x509

from aoc_api.server_certificate import ServerCertificate
from aoc_common.errors import BadConfiguration
from certificates import pair


@pytest.fixture
def files(tmp_path):
    """`files(certificate=..., key=...)`: writes them; where they are."""

    def write(certificate: bytes | None = None, key: bytes | None = None):
        for name, content in (("certificate", certificate), ("key", key)):
            if content is not None:
                new = tmp_path / f"{name}.new"
                new.write_bytes(content)
                new.replace(tmp_path / name)
        return tmp_path / "certificate", tmp_path / "key"

    return write


def shown(context: ssl.SSLContext) -> str:
    """The name in the certificate that a new connection is shown."""
    ours, theirs = socket.socketpair()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE

    def serve() -> None:
        with context.wrap_socket(ours, server_side=True):
            pass

    serving = threading.Thread(target=serve)
    serving.start()
    with client.wrap_socket(theirs) as connection:
        found = connection.getpeercert(binary_form=True)
    serving.join()
    assert found is not None
    return x509.load_der_x509_certificate(found).subject.rfc4514_string()


async def test_a_certificate_that_is_replaced_is_shown_to_who_connects_from_then_on(files) -> None:
    served = ServerCertificate(*files(*pair("first.example")))
    before = shown(served.context)
    files(*pair("second.example"))
    unread = shown(served.context)
    await served.refresh()

    assert (before, unread, shown(served.context)) == ("CN=first.example", "CN=first.example", "CN=second.example")


async def test_half_of_a_pair_changes_nothing_until_the_other_half_comes(files, tmp_path) -> None:
    served = ServerCertificate(*files(*pair("first.example")))
    certificate, key = pair("second.example")
    files(certificate=certificate)
    await served.refresh()
    half = shown(served.context)
    files(key=b"no key at all")
    await served.refresh()
    broken = shown(served.context)
    (tmp_path / "key").unlink()
    await served.refresh()
    missing = shown(served.context)
    files(key=key)
    await served.refresh()

    assert {half, broken, missing} == {"CN=first.example"}
    assert shown(served.context) == "CN=second.example"


def test_files_that_are_no_pair_stop_a_start_with_one_line(files, tmp_path) -> None:
    certificate, key = pair("aoc.example")
    _, other = pair("aoc.example")
    _, locked = pair("aoc.example", b"secret")
    for wrong in (other, b"", locked):
        with pytest.raises(BadConfiguration, match=r"^AOC_API__TLS__CERTIFICATE, AOC_API__TLS__KEY: .") as caught:
            ServerCertificate(*files(certificate, wrong))
        assert "\n" not in str(caught.value)
    files(certificate, key)
    with pytest.raises(BadConfiguration, match="No such file"):
        ServerCertificate(tmp_path / "nothing", tmp_path / "key")


def test_versions_of_tls_that_are_broken_are_not_spoken(files) -> None:
    assert ServerCertificate(*files(*pair("aoc.example"))).context.minimum_version == ssl.TLSVersion.TLSv1_2
