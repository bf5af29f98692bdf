import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given, settings, strategies as st

from echoic import errors
from echoic.errors import ClientDisconnected, EchoicError, FileTooLarge, FormatNotAllowed, MultipartMalformed
from echoic.intake import multipart
from echoic.intake.body import Cap, Sink, file_cap
from echoic.intake.multipart import FilePart, Form, parse_boundary, read_form
from echoic.storage.local import LocalBlobs

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
CHUNK_SIZES = (1, 2, 7, 1_000_000)


def part(disposition: str, content: bytes = b"", *headers: str) -> bytes:
    lines = [f"--{BOUNDARY}", f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


def file_part(content: bytes = b"RIFF", file_name: str = "talk.wav") -> bytes:
    return part(f'name="audio"; filename="{file_name}"', content, "Content-Type: audio/wav")


def field(name: str, value: bytes) -> bytes:
    return part(f'name="{name}"', value)


END = f"--{BOUNDARY}--\r\n".encode()


class Memory:
    def __init__(self) -> None:
        self.content = bytearray()
        self.opened: list[FilePart] = []

    async def open(self, opened: FilePart) -> "Memory":
        self.opened.append(opened)
        return self

    async def write(self, chunk: bytes) -> None:
        self.content += chunk


async def pieces(body: bytes, borders: Sequence[int]) -> AsyncIterator[bytes]:
    for start, end in zip([0, *borders], [*borders, len(body)], strict=True):
        if start < end:
            yield body[start:end]


async def read_pieces(body: bytes, borders: Sequence[int], cap: Cap) -> tuple[Form, bytes]:
    memory = Memory()
    form = await read_form(pieces(body, borders), CONTENT_TYPE, cap=cap, open_sink=memory.open)
    assert memory.opened == [form.file]
    assert form.file_size_bytes == len(memory.content)
    return form, bytes(memory.content)


def read(body: bytes, chunk_size: int = 1_000_000, *, max_bytes: int = 10_000_000) -> tuple[Form, bytes]:
    return asyncio.run(read_pieces(body, range(chunk_size, len(body), chunk_size), file_cap(max_bytes)))


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("file_at", [0, 1, 2])
def test_fields_may_stand_before_and_after_the_file(chunk_size: int, file_at: int) -> None:
    parts = [field("title", "Q3 – ACME".encode()), field("description", b"")]
    parts.insert(file_at, file_part(b"RIFF\r\n--not the boundary\r\n"))
    form, content = read(b"".join(parts) + END, chunk_size)
    assert content == b"RIFF\r\n--not the boundary\r\n"
    assert form.fields == {"title": "Q3 – ACME", "description": ""}
    assert form.file == FilePart(file_name="talk.wav", content_type="audio/wav")


# Content that looks like the frame, in pieces that the network may cut anywhere.
frame_like = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n--", f"\r\n--{BOUNDARY}"[:-1].encode(), b"\r\r\n--"]
        ),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(content=frame_like.filter(bool), title=st.text(max_size=30), data=st.data())
def test_what_comes_out_does_not_depend_on_where_the_body_is_cut(
    content: bytes, title: str, data: st.DataObject
) -> None:
    assume("\0" not in title)
    assume(f"\r\n--{BOUNDARY}".encode() not in content)
    body = field("title", title.encode()) + file_part(content) + field("description", b"d") + END
    borders = data.draw(st.lists(st.integers(0, len(body)), max_size=30).map(sorted))
    form, found = asyncio.run(read_pieces(body, borders, file_cap(10_000)))
    assert found == content
    assert form.fields == {"title": title, "description": "d"}


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('filename="talk.wav"', "talk.wav"),
        ("filename=talk.wav", "talk.wav"),
        ('filename="C:\\fakepath\\talk.wav"', "talk.wav"),
        ('filename="/home/me/talk.wav"', "talk.wav"),
        ('filename="a \\"quoted\\" talk.wav"', 'a "quoted" talk.wav'),
        ('filename="a %22quoted%22 talk.wav"', 'a "quoted" talk.wav'),
        ('filename="100%.wav"', "100%.wav"),
        ('filename="semi; colon.wav"', "semi; colon.wav"),
        ('filename="Überblick 会議.wav"', "Überblick 会議.wav"),
        ("filename*=UTF-8''na%C3%AFve%20talk.wav", "naïve talk.wav"),
        ("filename*=utf-8'de'%C3%9Cber.wav", "Über.wav"),
        ("filename*=iso-8859-1''na%EFve.wav", "naïve.wav"),
        ("filename=\"fallback.wav\"; filename*=UTF-8''real.wav", "real.wav"),
        ("filename*=UTF-8''real.wav; filename=\"fallback.wav\"", "real.wav"),
        ("filename*=UTF-8''..%2F..%2Fetc%2Fpasswd.wav", "passwd.wav"),
        ("filename=\"odd; filename*=UTF-8''no.wav\"", "odd; filename*=UTF-8''no.wav"),
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 1_000_000])
def test_file_names_are_read_in_every_common_form(disposition: str, expected: str, chunk_size: int) -> None:
    form, _ = read(part(f'name="audio"; {disposition}', b"x") + END, chunk_size)
    assert form.file.file_name == expected


NOT_UTF8 = (
    part('name="audio"; filename="', b"").rstrip().replace(b'filename="', b'filename="\xff.wav"') + b"\r\n\r\nx\r\n"
)


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", MultipartMalformed),
        (END, errors.AudioPartMissing),
        (field("title", b"t") + END, errors.AudioPartMissing),
        (field("audio", b"text") + END, errors.AudioPartMissing),
        (part('name="audio"; filename=""') + END, errors.AudioPartMissing),
        (part('name="audio"; filename="C:\\"') + END, errors.AudioPartMissing),
        (file_part() + file_part() + END, errors.AudioPartRepeated),
        (file_part(b"") + END, errors.AudioEmpty),
        (file_part(), MultipartMalformed),
        (file_part() + END[:-4], MultipartMalformed),
        (file_part()[:-3], MultipartMalformed),
        (file_part()[:60], MultipartMalformed),
        (b"preamble\r\n" + file_part() + END, MultipartMalformed),
        (file_part().replace(BOUNDARY.encode(), b"other") + END, MultipartMalformed),
        (b"garbage" * 100, MultipartMalformed),
        (f"--{BOUNDARY}xx\r\n".encode() + file_part() + END, MultipartMalformed),
        (f"--{BOUNDARY}\r\nno header\r\n\r\nx\r\n".encode() + END, MultipartMalformed),
        (f"--{BOUNDARY}\r\nContent-Type: audio/wav\r\n\r\nx\r\n".encode() + END, MultipartMalformed),
        (f"--{BOUNDARY}\r\nContent-Disposition: attachment\r\n\r\nx\r\n".encode() + END, MultipartMalformed),
        (part('name="audio"; filename="a\nb.wav"', b"x") + END, MultipartMalformed),
        (part('name="audio"; filename="a\x01b.wav"', b"x") + END, MultipartMalformed),
        (part('name="audio"; filename="a.wav"', b"x", "Content-Length: 5") + END, MultipartMalformed),
        (part('name="x"', b"x", "Content-Type: multipart/mixed; boundary=inner") + END, MultipartMalformed),
        (part('name="title"', b"x", *[f"X-{n}: 1" for n in range(9)]) + file_part() + END, MultipartMalformed),
        (part('name="title"', b"x", "X-Long: " + "x" * 5000) + file_part() + END, MultipartMalformed),
        (f"--{BOUNDARY}\r\n".encode() + b"x" * 20_000, MultipartMalformed),
        (b"".join(field(f"f{n}", b"") for n in range(multipart.MAX_PARTS)) + file_part() + END, MultipartMalformed),
        (field("title", b"1") + field("title", b"2") + file_part() + END, errors.FieldInvalid),
        (field("title", b"a\0b") + file_part() + END, errors.FieldInvalid),
        (part('name="cover"; filename="c.png"', b"png") + file_part() + END, errors.FieldInvalid),
        (part('name="audio"; filename="a\tb.wav"', b"x") + END, errors.FieldInvalid),
        (part('name="audio"; filename="a\u009bb.wav"', b"x") + END, errors.FieldInvalid),
        (part("name=\"audio\"; filename*=UTF-8''a%01.wav", b"x") + END, errors.FieldInvalid),
        (field("title", b"\xff\xfe") + file_part() + END, errors.FieldNotUtf8),
        (NOT_UTF8 + END, errors.FieldNotUtf8),
        (part("name=\"audio\"; filename*=UTF-8''%FF.wav", b"x") + END, errors.FieldNotUtf8),
        (part("name=\"audio\"; filename*=utf-7''a.wav", b"x") + END, errors.FieldNotUtf8),
    ],
)
def test_a_form_that_cannot_be_used_says_why_wherever_it_is_cut(
    body: bytes, error: type[EchoicError], chunk_size: int
) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        read(body, chunk_size)
    assert type(caught.value) is error
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("chunk_size", [1000, 1_000_000])
def test_a_text_field_has_a_limit_of_its_own(chunk_size: int) -> None:
    longest = b"x" * multipart.MAX_FIELD_BYTES
    form, _ = read(field("description", longest) + file_part() + END, chunk_size)
    assert form.fields["description"].encode() == longest
    with pytest.raises(errors.FieldInvalid, match="'description' exceeds"):
        read(field("description", longest + b"x") + file_part() + END, chunk_size)


def test_a_field_that_never_ends_is_refused_at_its_limit() -> None:
    read_bytes = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read_bytes
        yield field("title", b"")[:-2]
        while True:
            read_bytes += 65_536
            yield bytes(65_536)

    with pytest.raises(errors.FieldInvalid):
        asyncio.run(read_form(endless(), CONTENT_TYPE, cap=file_cap(10), open_sink=Memory().open))
    assert read_bytes <= multipart.MAX_FIELD_BYTES + 65_536


@pytest.mark.parametrize("chunk_size", [500, 65_536])
def test_what_follows_the_last_boundary_is_overlooked_but_not_without_end(chunk_size: int) -> None:
    form, _ = read(file_part() + END + b"\r\nepilogue", chunk_size)
    assert form.file_size_bytes == 4
    with pytest.raises(MultipartMalformed, match="belongs to no part"):
        read(file_part() + END + bytes(multipart.MAX_BETWEEN_BYTES), chunk_size)


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_the_cap_holds_for_the_file_alone_and_exactly(chunk_size: int) -> None:
    body = field("title", b"t" * 200) + file_part(bytes(100)) + END
    assert read(body, chunk_size, max_bytes=100)[0].file_size_bytes == 100
    with pytest.raises(FileTooLarge, match="99 bytes"):
        read(body, chunk_size, max_bytes=99)


def test_an_unchosen_file_input_of_another_name_is_overlooked() -> None:
    form, _ = read(part('name="cover"; filename=""', b"", "Content-Type: application/octet-stream") + file_part() + END)
    assert form.fields == {}


def test_a_file_is_refused_at_the_head_of_its_part_before_any_content() -> None:
    read_content = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read_content
        yield file_part(b"", "virus.exe")[:-2]
        read_content = True
        yield bytes(65_536)

    async def refuse(opened: FilePart) -> Memory:
        raise FormatNotAllowed(opened.file_name)

    with pytest.raises(FormatNotAllowed, match=r"virus\.exe"):
        asyncio.run(read_form(chunks(), CONTENT_TYPE, cap=file_cap(10), open_sink=refuse))
    assert not read_content


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ("Multipart/Form-Data;boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; Boundary="a b=c"', b"a b=c"),
        ("multipart/form-data; boundary=a=b/c?d; x=y", b"a=b/c?d"),
    ],
)
def test_the_boundary_is_found_in_the_content_type(content_type: str, expected: bytes) -> None:
    assert parse_boundary(content_type) == expected


@pytest.mark.parametrize(
    ("content_type", "error"),
    [
        ("", errors.UnsupportedRequestType),
        ("text/plain", errors.UnsupportedRequestType),
        ("multipart/mixed; boundary=abc", errors.UnsupportedRequestType),
        ("application/x-www-form-urlencoded", errors.UnsupportedRequestType),
        ("multipart/form-data", errors.UnsupportedRequestType),
        ("multipart/form-data; boundary=", errors.UnsupportedRequestType),
        ('multipart/form-data; boundary=""', errors.UnsupportedRequestType),
        ("multipart/form-data; boundary=" + "x" * 71, MultipartMalformed),
        ('multipart/form-data; boundary="a\nb"', MultipartMalformed),
        ("multipart/form-data; boundary=ü", MultipartMalformed),
    ],
)
def test_a_content_type_that_cannot_be_used_is_named(content_type: str, error: type[EchoicError]) -> None:
    with pytest.raises(error):
        parse_boundary(content_type)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_client_that_vanishes_at_any_byte_leaves_nothing(tmp_path: Path) -> None:
    blobs = LocalBlobs.create(tmp_path)
    body = field("title", b"t") + file_part(b"RIFF" * 10) + field("description", b"d") + END

    async def cut(length: int) -> AsyncIterator[bytes]:
        yield body[:length]
        raise ClientDisconnected

    async def upload(length: int) -> None:
        async with blobs.stage() as staged:

            async def open_sink(_: FilePart) -> Sink:
                return staged

            await read_form(cut(length), CONTENT_TYPE, cap=file_cap(1000), open_sink=open_sink)
            await staged.finish()

    for length in range(len(body) + 1):
        with pytest.raises(ClientDisconnected):
            await upload(length)
    assert files_below(tmp_path) == []
