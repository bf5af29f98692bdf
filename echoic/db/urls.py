"""The addresses of databases: read, checked, and written as libpq wants them."""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from echoic.errors import SettingInvalid

_SCHEMES = re.compile(r"(postgresql\+psycopg|postgresql|postgres)://")
_HOST = re.compile(r"[\w.:%-]*|/.*")
"""A name, an address, or the folder of a socket."""
_PORT = re.compile(r"[0-9]*")


def libpq_url(url: str) -> str:
    """Return a PostgreSQL URL in any customary spelling as libpq and psycopg want it."""
    return _SCHEMES.sub("postgresql://", url, count=1)


def checked_url(url: str, setting: str = "DATABASE_URL (or ECHOIC_DATABASE_URL)") -> str:
    """Return the URL of a database from a setting. Raises SettingInvalid for a wrong one, without repeating any of it.

    Where the password holds characters that end it, parts of it would be taken for a host or a port and named in errors.
    Several hosts, separated by commas, are tried one after the other.
    """
    if not _is_understood(url):
        raise SettingInvalid(
            f"{setting} is no URL such as postgresql://user:password@host/name; in the password, characters other than "
            "letters and digits are written as in URLs: %40 for @, %2F for /."
        )
    return url


def _is_understood(url: str) -> bool:
    """Return whether it is a URL of PostgreSQL with hosts, ports and a name of a database that such things can be."""
    if not _SCHEMES.match(url):
        return False
    try:
        found = conninfo_to_dict(libpq_url(url))
    except psycopg.ProgrammingError:
        return False
    hosts, ports = str(found.get("host") or "").split(","), str(found.get("port") or "").split(",")
    return (
        all(_HOST.fullmatch(one) for one in hosts)
        and all(_PORT.fullmatch(one) for one in ports)
        and "@" not in str(found.get("dbname") or "")
    )
