"""Origins as people write them in the settings, and as browsers send them."""

import pytest

from echoic.errors import SettingInvalid
from echoic.origins import Origins, normal_origin


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://app.example.org", "https://app.example.org"),
        ("https://app.example.org/", "https://app.example.org"),
        ("HTTPS://App.Example.ORG", "https://app.example.org"),
        ("https://app.example.org:443", "https://app.example.org"),
        ("http://app.example.org:80", "http://app.example.org"),
        ("http://app.example.org:443", "http://app.example.org:443"),
        ("https://app.example.org:08443", "https://app.example.org:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://192.168.1.7:3000", "http://192.168.1.7:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://例え.テスト", "https://xn--r8jz45g.xn--zckzah"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(written: str, sent: str) -> None:
    assert normal_origin(written) == sent
    origins = Origins.parse((written,))
    assert origins.allows(sent)
    assert not origins.allows(f"{sent}0")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("null", "only '*' allows these"),
        ("file:///home/a", "write scheme, host and port alone"),
        ("file://host", "only '*' allows these"),
        ("app.example.org", "as https://app.example.org:8443"),
        ("//app.example.org", "write scheme, host and port alone"),
        ("https://", "write scheme, host and port alone"),
        ("https://app.example.org/page", "write scheme, host and port alone"),
        ("https://app.example.org?a", "write scheme, host and port alone"),
        ("https://ada@app.example.org", "write scheme, host and port alone"),
        ("https://app.example.org https://b.example", "write scheme, host and port alone"),
        ("https://*.example.org", "it stands alone, for every origin"),
        ("https://app.example.org:0", "port that is not within 1 to 65,535"),
        ("https://app.example.org:65536", "port that is not within 1 to 65,535"),
        ("https://app.example.org:", "write scheme, host and port alone"),
        ("https://a..b", "no valid host name"),
        ("https://a,b", "no valid host name"),
        ("https://[::g]", "write scheme, host and port alone"),
        ("https://[:::1]", "no valid IPv6 address"),
        ("https://\u2603-\ufffd.example", "host name that cannot be read"),
    ],
)
def test_what_is_no_origin_is_named_with_what_is_wrong(written: str, told: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        Origins.parse(("https://fine.example", written))
    assert refused.value.message.startswith(f"ECHOIC_CORS_ORIGINS: {written!r} ")
    assert told in refused.value.message


def test_a_star_allows_every_origin_and_stands_alone() -> None:
    every = Origins.parse(("*",))
    assert every.allows("null")
    assert every.allows("https://any.example")
    assert not every.allows(None)
    with pytest.raises(SettingInvalid, match="name no other beside it"):
        Origins.parse(("*", "https://app.example.org"))


@pytest.mark.parametrize(
    "sent",
    [
        "null",
        "https://app.example.org.evil.example",
        "https://evil-app.example.org",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org/",
        "https://APP.example.org",
        "",
        None,
    ],
)
def test_no_other_origin_is_taken_for_an_allowed_one(sent: str | None) -> None:
    assert not Origins.parse(("https://app.example.org",)).allows(sent)
    assert not Origins.parse(()).allows(sent)
