"""The form of a request, with its fields on either side of the file, and with clips of known speakers as text or files."""

import re
from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from echoic.errors import AudioEmpty, FieldInvalid, FieldNotUtf8
from echoic.intake.body import Cap, Sink
from echoic.intake.file_names import base_name, fault_of_name
from echoic.intake.multipart import PartHead, read_parts, shown, utf8_text
from echoic.openai_api.failures import invalid
from echoic.units import MB

FILE = "file"
REFERENCES = "known_speaker_references"
MAX_PARTS = 1024
"""Keywords come one a part."""
MAX_FIELD_BYTES = 128 * 1024
MAX_REFERENCE_BYTES = 4 * MB
"""Ten seconds of stereo at 48 kHz in a WAV, written in base64, are 2.6 MB."""
MAX_REFERENCES = 4
REFERENCES_BYTES = MAX_REFERENCES * MAX_REFERENCE_BYTES

_INDEX = re.compile(r"(?:\[\d*\])+$")
"""The brackets of a list; who names a field with brackets in a client that adds its own sends two pairs."""


@dataclass(kw_only=True, slots=True)
class SpeechForm:
    """A form that was received to its end, its file given to the sink."""

    file_name: str | None = None
    """Without folders, may be empty; None as long as there was no file."""
    fields: list[tuple[str, str]] = field(default_factory=list)
    """Names without the brackets of a list, and values, in the order in which they came."""
    reference_files: list[bytes] = field(default_factory=list)


async def read_speech_form(chunks: AsyncIterable[bytes], content_type: str, *, cap: Cap, sink: Sink) -> SpeechForm:
    """Read a form whose recording is in the part ``file``, with or without a file name.

    Raises what ``read_parts`` raises, FieldInvalid where the file is missing, AudioEmpty, and the cap's error.
    """
    parts = _Parts(cap, sink)
    await read_parts(chunks, content_type, parts, max_parts=MAX_PARTS)
    if parts.form.file_name is None:
        raise invalid(FILE, "The form has no part 'file' with the recording.")
    return parts.form


class _Parts:
    """Takes the parts one after the other."""

    def __init__(self, cap: Cap, sink: Sink) -> None:
        self.form = SpeechForm()
        self._cap = cap
        self._sink = sink
        self._name = ""
        self._is_file = False
        self._is_recording = False
        self._size_bytes = 0
        self._content = bytearray()

    async def begin(self, head: PartHead) -> None:
        self._name = _INDEX.sub("", head.name)
        self._is_file = head.file_name is not None
        # A part without any name, as some programs send it, is the recording, too.
        self._is_recording = self._name == FILE or (self._is_file and not self._name)
        if self._is_recording:
            self._begin_recording(head.file_name or "")
        elif head.file_name and self._name != REFERENCES:
            raise invalid(
                self._name, f"The part {shown(head.name)} holds a file; the recording belongs in the part 'file'."
            )

    async def take(self, content: bytes) -> None:
        if self._is_recording:
            self._size_bytes += len(content)
            self._cap.check(self._size_bytes)
            await self._sink.write(content)
            return
        self._content += content
        most = MAX_REFERENCE_BYTES if self._name == REFERENCES else MAX_FIELD_BYTES
        if len(self._content) > most:
            raise invalid(self._name, f"The field {shown(self._name)} exceeds {most:,} bytes.")

    def end(self) -> None:
        content = bytes(self._content)
        self._content.clear()
        if self._is_recording:
            if not self._size_bytes:
                raise AudioEmpty
        elif self._is_file and self._name == REFERENCES:
            if len(self.form.reference_files) == MAX_REFERENCES:
                raise invalid(REFERENCES, f"At most {MAX_REFERENCES} references are taken.")
            self.form.reference_files.append(content)
        elif not self._is_file:
            self.form.fields.append((self._name, _text_of(self._name, content)))
            count = sum(name == REFERENCES for name, _ in self.form.fields)
            if count > MAX_REFERENCES:
                raise invalid(REFERENCES, f"At most {MAX_REFERENCES} references are taken.")

    def _begin_recording(self, file_name: str) -> None:
        if self.form.file_name is not None:
            raise invalid(FILE, "The form has two parts with a recording; send one.")
        self.form.file_name = base_name(file_name)
        if (fault := fault_of_name(self.form.file_name)) is not None:
            raise invalid(FILE, f"The file name {fault}.")


def _text_of(name: str, content: bytes) -> str:
    """Return the value of a field. Raises FieldInvalid and FieldNotUtf8, with the name of the field."""
    try:
        return utf8_text(content, f"field {shown(name)}")
    except (FieldInvalid, FieldNotUtf8) as error:
        error.details = {"param": name}
        raise
