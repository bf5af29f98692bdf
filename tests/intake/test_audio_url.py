import pytest

from echoic.errors import AudioUrlHasCredentials, AudioUrlInvalid, AudioUrlNotHttps, UrlRedirectInvalid
from echoic.intake.audio_url import MAX_URL_CHARACTERS, parse_audio_url, redirected


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://x.example/a.mp3", "https://x.example/a.mp3"),
        ("  https://x.example/a.mp3\n", "https://x.example/a.mp3"),
        ("HTTPS://X.Example/A.mp3", "https://x.example/A.mp3"),
        ("https://x.example./a.mp3", "https://x.example/a.mp3"),
        ("https://x.example:443/a.mp3", "https://x.example/a.mp3"),
        ("https://x.example:/a.mp3", "https://x.example/a.mp3"),
        ("https://x.example:8443/a.mp3", "https://x.example:8443/a.mp3"),
        ("https://x.example", "https://x.example/"),
        ("https://x.example?a=b", "https://x.example/?a=b"),
        ("https://x.example/a.mp3#t=5", "https://x.example/a.mp3"),
        ("https://x.example#@internal/", "https://x.example/"),
        ("https://x.example/a b.mp3?c=d e", "https://x.example/a%20b.mp3?c=d%20e"),
        ("https://x.example/a%20b.mp3?sig=%2Fx%3D", "https://x.example/a%20b.mp3?sig=%2Fx%3D"),
        ("https://x.example/ü.mp3", "https://x.example/%C3%BC.mp3"),
        ('https://x.example/"<>`{}|^.mp3', "https://x.example/%22%3C%3E%60%7B%7D%7C%5E.mp3"),
        ("https://x.example/a?u=http://y@z/", "https://x.example/a?u=http://y@z/"),
        ("https://my_bucket.s3.example/a.mp3", "https://my_bucket.s3.example/a.mp3"),
        ("https://faß.example/a.mp3", "https://xn--fa-hia.example/a.mp3"),
        ("https://ＥＸＡＭＰＬＥ。com/a.mp3", "https://example.com/a.mp3"),
        ("https://[2606:4700:0::1111]:8443/a", "https://[2606:4700::1111]:8443/a"),
    ],
)
def test_a_url_has_one_normal_form_and_keeps_what_it_asks_for(text: str, normal: str) -> None:
    url = parse_audio_url(text)
    assert str(url) == normal
    assert parse_audio_url(normal) == url


@pytest.mark.parametrize(
    "text",
    [
        *("", "x.example/a.mp3", "//x.example/a.mp3", "https:", "https:x.example", "https:/x.example", "https:///a"),
        *("https://", "https:///", "https://?a", "https://:443/", "https://./a", "https://.x.example/"),
        *("https://x..example/", "https://x example/", "https://x%2eexample/", "https://-x.example/"),
        *("https://x.example:0/", "https://x.example:65536/", "https://x.example:-1/", "https://x.example:8o/"),
        *("https://x.example:١٢/", "https://x.example:" + "9" * 5000 + "/", "https://x:1:2/", "https://x.example]/"),
        *("https://x.example\\@internal/", "https:\\\\x.example/", "https://x.example/a\\b", "https://x.ex\nample/"),
        *("https://x.example/\0", "https://x.example/\x7f", "https://x.ex\tample/", "https://x.example/\ud83d"),
        *("https://" + "a" * 64 + ".example/", "https://" + "a." * 127 + "example/", "https://\u2100.example/"),
        "https://x.example/" + "a" * MAX_URL_CHARACTERS,
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(AudioUrlInvalid) as caught:
        parse_audio_url(text)
    assert type(caught.value) is AudioUrlInvalid


@pytest.mark.parametrize(
    "text", ["http://x.example/", "ftp://x.example/", "file:///etc/passwd", "javascript:x", "data:,x"]
)
def test_another_scheme_is_refused(text: str) -> None:
    with pytest.raises(AudioUrlNotHttps):
        parse_audio_url(text)


@pytest.mark.parametrize("authority", ["me@x.example", "me:pw@x.example", "@x.example", ":@x.example", "a@b@x.example"])
def test_credentials_are_refused(authority: str) -> None:
    with pytest.raises(AudioUrlHasCredentials):
        parse_audio_url(f"https://{authority}/a.mp3")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://x.example/files/Board%20meeting.mp3?sig=a/b.exe", "Board meeting.mp3"),
        ("https://x.example/a%2F..%2Fb.mp3", "b.mp3"),
        ("https://x.example/%E4%BC%9A.mp3", "会.mp3"),
        ("https://x.example/folder/", ""),
        ("https://x.example", ""),
    ],
)
def test_the_file_name_is_the_last_segment_of_the_path_decoded(text: str, name: str) -> None:
    assert parse_audio_url(text).file_name == name


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b.mp3", "https://x.example:8443/b.mp3"),
        ("b.mp3?x", "https://x.example:8443/dir/b.mp3?x"),
        ("//y.example/b.mp3", "https://y.example/b.mp3"),
        ("https://y.example/b.mp3", "https://y.example/b.mp3"),
        ("?again", "https://x.example:8443/dir/a.mp3?again"),
    ],
)
def test_a_redirect_is_read_relative_to_where_it_came_from(location: str, expected: str) -> None:
    assert str(redirected(parse_audio_url("https://x.example:8443/dir/a.mp3"), location)) == expected


@pytest.mark.parametrize(
    "location",
    ["http://x.example/", "file:///etc/passwd", "https://me@y.example/", "https://[::1", "https://\\y/"],
)
def test_a_redirect_to_anything_but_an_https_url_is_refused(location: str) -> None:
    with pytest.raises(UrlRedirectInvalid):
        redirected(parse_audio_url("https://x.example/a.mp3"), location)
