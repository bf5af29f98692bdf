"""What a start learns of a database that it cannot use: whether to wait, and for what."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from echoic.db.readiness import Fault, why_unready
from echoic.errors import DatabaseUnavailable
from echoic.testing.private_server import free_port

HOST = "127.0.0.1"


REFUSALS = """
import socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
print("up", flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(bytes.fromhex(sys.argv[2]))
"""


@contextmanager
def refusing(code: str, message: str) -> Iterator[str]:
    """The URL of a server that ends each connection with an error of the protocol, in a language of its own.

    It is a process, since the library's ``PQping`` lets no other thread of this one work.
    """
    given = ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", code), (b"M", message))
    fields = b"".join(name + value.encode() + b"\0" for name, value in given) + b"\0"
    answer = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with socket.create_server((HOST, 0)) as listener:
        number = listener.fileno()
        server = subprocess.Popen(
            [sys.executable, "-c", REFUSALS, str(number), answer.hex()], pass_fds=[number], stdout=subprocess.PIPE
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"up\n"
            yield f"postgresql://a:b@{HOST}:{listener.getsockname()[1]}/x?sslmode=disable&gssencmode=disable"
        finally:
            server.kill()
            server.communicate()


def fault(url: str) -> Fault | None:
    found = why_unready(url)
    return None if found is None else found.fault


def test_a_database_that_takes_writes_has_no_fault(database_url: str) -> None:
    assert why_unready(database_url) is None


def test_one_that_is_away_is_waited_for() -> None:
    assert fault(f"postgresql://a:b@{HOST}:{free_port()}/x") is Fault.SILENT


@pytest.mark.parametrize(
    ("url", "detail"), [("postgresql://a@none.invalid/x", "none.invalid"), ("postgresql://a@/x?host=/no", "/no")]
)
def test_so_is_one_whose_address_does_not_exist_yet_and_the_reason_is_told(url: str, detail: str) -> None:
    found = why_unready(url)
    assert found is not None
    assert found.fault is Fault.SILENT
    assert detail in str(found)


def test_one_that_starts_is_waited_for_whatever_language_it_speaks() -> None:
    with refusing("57P03", "das Datenbanksystem startet") as url:
        assert fault(url) is Fault.STARTING


@pytest.mark.parametrize("wish", ["", "&target_session_attrs=read-write"])
def test_one_that_takes_reads_alone_is_waited_for(wish: str, database_url: str, as_owner: Callable[..., None]) -> None:
    with psycopg.connect(database_url) as connection:
        name = connection.info.dbname
    as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        assert fault(f"{database_url}{wish}") is Fault.READS_ALONE
    finally:
        as_owner("SET default_transaction_read_only = off", f"ALTER DATABASE {name} RESET ALL")


def test_a_wrong_password_is_told_at_once_whatever_language_the_server_speaks() -> None:
    with (
        refusing("28P01", "Passwort-Authentifizierung fehlgeschlagen") as url,
        pytest.raises(DatabaseUnavailable, match=r"cannot be reached: .*Passwort-Authentifizierung"),
    ):
        why_unready(url)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda url: url.replace("//echoic@", "//nobody@"), 'role "nobody" does not exist'),
        (lambda url: url.replace("/test_", "/no_"), "does not exist"),
    ],
)
def test_a_role_or_database_that_is_not_there_is_told_at_once(
    wrong: Callable[[str], str], told: str, database_url: str
) -> None:
    assert wrong(database_url) != database_url
    with pytest.raises(DatabaseUnavailable, match=told):
        why_unready(wrong(database_url))
