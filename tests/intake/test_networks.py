"""Spellings of addresses and names, and what becomes of each."""

import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from echoic.errors import AudioUrlInvalid, SettingInvalid, UrlForbidden
from echoic.intake.audio_url import parse_audio_url
from echoic.intake.egress import Egress, checked_addresses
from echoic.intake.networks import Address, AllowList, check_address

PUBLIC = "93.184.216.34"

NAMES = {
    "localhost": ("127.0.0.1", "::1"),
    "public.example": (PUBLIC, "2606:2800:220:1::1"),
    "xn--bcher-kva.example": (PUBLIC,),
    "127.0.0.1.rebind.example": ("127.0.0.1",),
    "mixed.example": (PUBLIC, "10.0.0.1"),
    "mixed6.example": (PUBLIC, "fd00::1"),
    "mapped.example": ("::ffff:192.168.1.1",),
    "scoped.example": ("fe80::1%1",),
    "metadata.internal": ("169.254.169.254",),
    "intranet": ("10.1.2.3",),
}


async def resolve(host: str, port: int) -> Sequence[Address]:
    if host not in NAMES:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return [ip_address(text) for text in NAMES[host]]


def egress(allowed: AllowList) -> Egress:
    return Egress(allowed=allowed, resolve=resolve, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def verdict(host: str, *allowed: str) -> str:
    try:
        url = parse_audio_url(f"https://{host}/a.mp3")
    except AudioUrlInvalid:
        return "invalid"
    try:
        await checked_addresses(url, egress(AllowList.parse(allowed)))
    except UrlForbidden:
        return "forbidden"
    return "allowed"


SPELLINGS = {
    "allowed": [
        *(PUBLIC, f"{PUBLIC}.", "public.example", "PUBLIC.example.", "Public.Example", "BÜCHER.example"),
        *(
            "ｐｕｂｌｉｃ.example",
            "public。example",
            "１.１.１.１",
            "1.1.1.1:8443",
            "[2606:4700:4700::1111]",
            "[::FFFF:1.1.1.1]",
        ),
        *("[::ffff:0101:0101]", "[64:ff9b::1.1.1.1]", "[2002:101:101::1]", "[2606:4700::5efe:1.1.1.1]", "172.32.0.1"),
        *("100.128.0.1", "168.63.129.17", "192.0.1.1", "198.20.0.1", "223.255.255.255", "11.0.0.1", "126.255.255.255"),
    ],
    "invalid": [
        # One number, octal, hexadecimal, short: some resolvers read them as addresses, others as names.
        *("2130706433", "017700000001", "0x7f000001", "0X7F000001", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1"),
        *("127.0.0.01", "127.0.0.0x1", "0", "0x", "1.1.1.1.1", "256.1.1.1", "1.1.1", "4294967296"),
        *("127.0.0.1%00.public.example", "%31%32%37.0.0.1", "127.0.0.1%2e", "127。0。0。0x1", "①②⑦.1"),
        *("[127.0.0.1]", "[::1", "::1", "[::1]]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[::1%251]", "[::ffff:127.1]"),
        *("[1::2::3]", "[:::]", "[12345::]", "[v1.x]", "[]", "[::ffff:0x7f.0.0.1]", "localhost..", "-localhost"),
        *("me@localhost", "127.0.0.1 ", "127.0.0.1\t", "public.example\\", "public.example:70000"),
    ],
    "forbidden": [
        *(
            "127.0.0.1",
            "127.0.0.1.",
            "127.255.255.254",
            "127.0.0.1:443",
            "0.0.0.0",  # noqa: S104 - not bound to
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
        ),
        *(
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
        ),
        *("100.127.255.255", "168.63.129.16", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
        *(
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ),
        *(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "LocalHost:8080",
            "ⓛocalhost",
            "ｌｏｃａｌｈｏｓｔ",
            "local\u00adhost",
        ),
        *("１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.①", "127.0.0.1.rebind.example", "intranet", "metadata.internal"),
        *("mixed.example", "mixed6.example", "mapped.example", "scoped.example"),
        *("[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[fe80::1]", "[FE80::1]", "[febf::1]", "[fec0::1]"),
        *(
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fdff::1]",
            "[ff02::1]",
            "[100::1]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[5f00::1]",
        ),
        *("[2001:2::1]", "[2001:20::1]", "[2620:4f:8000::1]", "[4000::1]"),
        # IPv4 within: mapped, compatible, translated, NAT64, NAT64 for local use, 6to4, Teredo (either end), ISATAP.
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:10.0.0.1]", "[0:0:0:0:0:ffff:169.254.169.254]"),
        *("[::127.0.0.1]", "[::7f00:1]", "[::1.1.1.1]", "[::ffff:0:127.0.0.1]", "[::ffff:0:1.1.1.1]"),
        *("[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::10.0.0.1]", "[64:ff9b:1:a00:0:100::]"),
        *("[64:ff9b:1::1.1.1.1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:101::1]"),
        *("[2001:0:7f00:1::]", "[2001:0:101:101:0:0:80ff:fffe]", "[2001::1]"),
        *("[2606:4700::5efe:10.0.0.1]", "[2606:4700::200:5efe:10.0.0.1]", "[fe80::5efe:1.1.1.1]"),
    ],
}


@pytest.mark.parametrize(("expected", "host"), [(v, host) for v, hosts in SPELLINGS.items() for host in hosts])
async def test_each_spelling_has_its_verdict(host: str, expected: str) -> None:
    assert await verdict(host) == expected


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert sum(len(set(hosts)) for hosts in SPELLINGS.values()) >= 140


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("192.168.1.5", "192.168.0.0/16", "allowed"),
        ("192.168.1.5", "192.168.1.5", "allowed"),
        ("[::ffff:192.168.1.5]", "192.168.0.0/16", "allowed"),
        ("[64:ff9b::192.168.1.5]", "192.168.0.0/16", "allowed"),
        ("[64:ff9b:1::1.1.1.1]", "64:ff9b:1::/48", "allowed"),
        ("[fd00::5]", "fd00::/8", "allowed"),
        ("intranet", "intranet", "allowed"),
        ("INTRANET.", "intranet", "allowed"),
        ("intranet", "Intranet.", "allowed"),
        ("intranet", "10.1.0.0/16", "allowed"),
        ("intranet", "10.2.0.0/16", "forbidden"),
        ("localhost", "127.0.0.0/8", "forbidden"),  # its other address, ::1, is not allowed
        ("192.168.1.5", "192.168.2.0/24", "forbidden"),
        ("metadata.internal", "internal", "forbidden"),  # a name is not allowed with everything below it
        ("10.1.2.3", "intranet", "forbidden"),  # the name is allowed, not everything behind it
    ],
)
async def test_an_operator_may_allow_networks_and_hosts(host: str, allowed: str, expected: str) -> None:
    assert await verdict(host, allowed) == expected


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "10.0.0.0/33", "*.example", "http://nas", "", "a b", "0x7f000001"])
def test_an_entry_that_is_neither_network_nor_host_stops_the_start(entry: str) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_FETCH_ALLOWED_NETWORKS"):
        AllowList.parse([entry])


@pytest.mark.parametrize("text", ["127.0.0.1", "10.1.2.3", "fd00::1", "::ffff:10.1.2.3", "2002:a01:203::1"])
def test_the_error_never_says_which_address_it_was(text: str) -> None:
    with pytest.raises(UrlForbidden) as caught:
        check_address(ip_address(text))
    assert text not in str(caught.value)
    assert not any(character.isdigit() for character in caught.value.message)
