"""Multipart forms, parsed as they arrive: fields into memory, within limits, the file straight into a sink.

The grammar is the library's (RFC 7578, 2046); limits, names and messages are ours. What is right does not depend on
where the network cut the body into pieces.
"""

import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote_to_bytes

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from echoic.errors import (
    AudioEmpty,
    AudioPartMissing,
    AudioPartRepeated,
    FieldInvalid,
    FieldNotUtf8,
    MultipartMalformed,
    UnsupportedRequestType,
)
from echoic.intake.body import Cap, Sink
from echoic.intake.file_names import base_name, fault_of_name

AUDIO_PART = "audio"
MAX_PARTS = 16
"""There are eleven that mean something; clients add some of their own."""
MAX_HEADERS = 8
"""Per part; browsers send two."""
MAX_HEADER_BYTES = 4096
MAX_FIELD_BYTES = 128 * 1024
"""Of a text field; the longest description takes 80,000 bytes."""
MAX_BETWEEN_BYTES = 512 * 1024
"""Everything that is not content: boundaries, headers, what follows the last boundary."""
FRAME_BYTES = MAX_PARTS * MAX_FIELD_BYTES + MAX_BETWEEN_BYTES
"""Bytes that a body may be longer than the file it carries."""
MAX_NAME_CHARACTERS_SHOWN = 40

_BOUNDARY_OPTION = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*([A-Za-z0-9-]+)'[A-Za-z0-9-]*'([^\s;]*)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePart:
    """The head of the part that holds the file."""

    file_name: str
    """Without folders; never empty."""
    content_type: str | None
    """What the client claims, in lower case without parameters."""
    fields_before: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Text fields that came before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A form that was received to its end, its file given to the sink."""

    file: FilePart
    file_size_bytes: int
    fields: Mapping[str, str]
    """All text fields by name, also those nobody asked for."""


OpenSink = Callable[[FilePart], Awaitable[Sink]]
"""Called once, at the head of the file's part; may raise to refuse the file before its content."""


async def read_form(chunks: AsyncIterable[bytes], content_type: str, *, cap: Cap, open_sink: OpenSink) -> Form:
    """Read a form with one file in the part named ``audio``, wherever that stands among the fields.

    ``content_type`` is the request's header, ``cap`` holds for the file alone. The sink is the caller's to finish or to
    abandon. Raises UnsupportedRequestType, MultipartMalformed, AudioPartMissing, AudioPartRepeated, AudioEmpty,
    FieldInvalid, FieldNotUtf8, the cap's error, and whatever ``chunks``, ``open_sink`` and the sink raise.
    """
    parts = _Parts(cap, open_sink)
    await read_parts(chunks, content_type, parts)
    return parts.form()


@dataclass(frozen=True, kw_only=True, slots=True)
class PartHead:
    """The head of a part."""

    name: str
    file_name: str | None
    """As it was given, with folders; None where the part claims to be no file."""
    content_type: str | None
    """What the client claims, in lower case without parameters."""


class Parts(Protocol):
    """Takes the parts of a form one after the other."""

    async def begin(self, head: PartHead) -> None: ...

    async def take(self, content: bytes) -> None:
        """Take the next bytes of the part."""
        ...

    def end(self) -> None: ...


async def read_parts(
    chunks: AsyncIterable[bytes], content_type: str, parts: Parts, *, max_parts: int = MAX_PARTS
) -> None:
    """Hand on the parts of a form as they come.

    Raises UnsupportedRequestType, MultipartMalformed, FieldNotUtf8, FieldInvalid, and whatever ``chunks`` and ``parts`` raise.
    """
    parser = _Parser(parse_boundary(content_type), max_parts=max_parts)
    async for chunk in chunks:
        for event in parser.feed(chunk):
            if isinstance(event, MultipartSegment):
                name, file_name = _names(event)
                if (event.content_type or "").startswith("multipart/"):
                    raise MultipartMalformed(f"The part {shown(name)} is a multipart body itself.")
                await parts.begin(PartHead(name=name, file_name=file_name, content_type=event.content_type))
            elif event is None:
                parts.end()
            else:
                await parts.take(event)
    parser.end()


def parse_boundary(content_type: str) -> bytes:
    """Return the boundary that a Content-Type header declares. Raises UnsupportedRequestType, MultipartMalformed."""
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise UnsupportedRequestType
    option = _BOUNDARY_OPTION.search(content_type)
    boundary = option and (option[1] or option[2])
    if not boundary:
        raise UnsupportedRequestType("The Content-Type multipart/form-data lacks its boundary.")
    if not _BOUNDARY.fullmatch(boundary):
        raise MultipartMalformed("The boundary is longer than 70 characters or holds characters that it may not.")
    return boundary.encode("ascii")


class _Parser:
    """The library's parser with its errors translated, and strict about what lies between the parts."""

    def __init__(self, boundary: bytes, *, max_parts: int) -> None:
        self._max_parts = max_parts
        self._opening = b"--" + boundary
        self._start: bytes | None = b""
        self._between_bytes = 0
        # Headers as Latin-1 lose nothing and cannot fail: which encoding a name has is checked where it is used.
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=MAX_HEADER_BYTES,
            max_header_count=MAX_HEADERS,
            max_segment_count=max_parts,
            header_charset="latin-1",
        )

    def feed(self, chunk: bytes) -> Iterator[MultipartSegment | bytes | None]:
        """Yield the library's events: a part's head, pieces of its content, None at its end."""
        self._between_bytes += len(chunk)
        if self._start is not None:
            chunk = self._start = self._start + chunk
            if len(chunk) < len(self._opening) + 2:
                return
            self._start = None
            if not chunk.removeprefix(b"\r\n").startswith(self._opening):
                raise MultipartMalformed("The body does not begin with the boundary that its Content-Type declares.")
        try:
            for event in self._parser.parse(chunk):
                if isinstance(event, bytes | bytearray):
                    self._between_bytes -= len(event)
                yield event
        except ParserLimitReached as error:
            raise MultipartMalformed(_limit_message(str(error), self._max_parts)) from error
        except MultipartError as error:
            raise MultipartMalformed(f"The multipart body is malformed: {error.args[0]}.") from error
        if self._between_bytes > MAX_BETWEEN_BYTES:
            raise MultipartMalformed("The multipart body holds too much that belongs to no part.")

    def end(self) -> None:
        try:
            self._parser.close()
        except MultipartError as error:
            raise MultipartMalformed("The multipart body ends before its final boundary.") from error


class _Parts:
    """Takes the parts one after the other."""

    def __init__(self, cap: Cap, open_sink: OpenSink) -> None:
        self._cap = cap
        self._open_sink = open_sink
        self._fields: dict[str, str] = {}
        self._field_name: str | None = None
        self._field_content = bytearray()
        self._file: FilePart | None = None
        self._file_size_bytes = 0
        self._sink: Sink | None = None
        """Set while the content of the file arrives."""

    async def begin(self, head: PartHead) -> None:
        if head.file_name is None:
            self._begin_field(head.name)
        elif head.name == AUDIO_PART:
            part = FilePart(
                file_name=base_name(head.file_name), content_type=head.content_type, fields_before=dict(self._fields)
            )
            await self._begin_file(part)
        elif base_name(head.file_name):
            raise FieldInvalid(f"The part {shown(head.name)} holds a file; the only file belongs in the part 'audio'.")
        # else: a form's file input in which nothing was chosen.

    async def take(self, content: bytes) -> None:
        if self._sink is not None:
            self._file_size_bytes += len(content)
            self._cap.check(self._file_size_bytes)
            await self._sink.write(content)
            return
        self._field_content += content
        if len(self._field_content) > MAX_FIELD_BYTES:
            raise FieldInvalid(f"The field {shown(self._field_name or '')} exceeds {MAX_FIELD_BYTES:,} bytes.")

    def end(self) -> None:
        if self._sink is not None:
            self._sink = None
            if self._file_size_bytes == 0:
                raise AudioEmpty
        elif self._field_name is not None:
            self._fields[self._field_name] = utf8_text(bytes(self._field_content), f"field {shown(self._field_name)}")
        self._field_name = None
        self._field_content.clear()

    def form(self) -> Form:
        if self._file is None:
            raise AudioPartMissing
        return Form(file=self._file, file_size_bytes=self._file_size_bytes, fields=self._fields)

    def _begin_field(self, name: str) -> None:
        if name == AUDIO_PART:
            raise AudioPartMissing("The part 'audio' has no file name; send it as a file.")
        if name in self._fields:
            raise FieldInvalid(f"The field {shown(name)} is given twice.")
        self._field_name = name

    async def _begin_file(self, part: FilePart) -> None:
        if not part.file_name:
            raise AudioPartMissing("The part 'audio' has an empty file name; no file was chosen.")
        if (fault := fault_of_name(part.file_name)) is not None:
            raise FieldInvalid(f"The file name {fault}.")
        if self._file is not None:
            raise AudioPartRepeated
        self._file = part
        self._sink = await self._open_sink(part)


def _names(segment: MultipartSegment) -> tuple[str, str | None]:
    """Name and file name of a part, decoded; RFC 8187's ``filename*`` wins, as in RFC 6266."""
    if any(_CONTROL.search(value.replace("\t", " ")) for _, value in segment.headerlist):
        raise MultipartMalformed("A part has a header with control characters.")
    name = utf8_text((segment.name or "").encode("latin-1"), "name of a part")
    return name, _file_name(segment.header("Content-Disposition", ""), segment.filename)


def disposition_name(header: str) -> str | None:
    """Return the file name in a header Content-Disposition, decoded as that of a part is; None where there is none."""
    _, options = parse_options_header(header)
    return _file_name(header, options.get("filename"))


def _file_name(disposition: str, plain: str | None) -> str | None:
    extended = _EXTENDED_NAME.search(_QUOTED.sub('""', disposition))
    if extended is not None:
        return _extended_value(extended[1], extended[2])
    return None if plain is None else utf8_text(plain.encode("latin-1"), "file name")


def _extended_value(charset: str, value: str) -> str:
    """See https://www.rfc-editor.org/rfc/rfc8187#section-3.2."""
    if charset.lower() == "iso-8859-1":
        return unquote_to_bytes(value).decode("latin-1")
    if charset.lower() != "utf-8":
        raise FieldNotUtf8("The file name is not encoded in UTF-8.")
    return utf8_text(unquote_to_bytes(value.encode("latin-1")), "file name")


def utf8_text(raw: bytes, what: str) -> str:
    """Return the text of a field or a name. Raises FieldNotUtf8 and FieldInvalid."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FieldNotUtf8(f"The {what} is not encoded in UTF-8.") from error
    if "\0" in text:
        raise FieldInvalid(f"The {what} holds a NUL character.")
    return text


def shown(name: str) -> str:
    """Return a name as messages show it."""
    return repr(name[:MAX_NAME_CHARACTERS_SHOWN])


def _limit_message(reason: str, max_parts: int) -> str:
    if "header" in reason:
        return f"A part has more than {MAX_HEADERS} headers or one of more than {MAX_HEADER_BYTES:,} bytes."
    return f"The multipart body has more than {max_parts} parts."
