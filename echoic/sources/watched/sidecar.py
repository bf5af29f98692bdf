"""Texts beside a file: the metadata that people give it, why it was not taken, and that it was. Pure."""

import json
import os
from codecs import BOM_UTF8
from datetime import UTC, datetime

from echoic.errors import EchoicError, FieldInvalid, FileMetadataInvalid, InvalidInput, WatchedFileUnreadable
from echoic.intake.fields import (
    KNOWN_FIELDS,
    FileMetadata,
    clean_description,
    clean_title,
    json_fault,
    likely_meant,
    parse_sha256,
)
from echoic.intake.run_options import options_of_json, text_field
from echoic.sources.watched.names import ERROR, SIDECAR
from echoic.units import MB

MAX_SIDECAR_BYTES = 262_144


def metadata_of(file_name: str, sidecar: bytes | None) -> FileMetadata:
    """Return the metadata of a file, with what the JSON beside it says. Raises FileMetadataInvalid, which names the field."""
    if sidecar is None:
        return FileMetadata(file_name=file_name, title=None, description=None)
    try:
        given = _read(sidecar)
        return FileMetadata(
            file_name=file_name,
            title=clean_title(text_field(given, "title")),
            description=clean_description(text_field(given, "description")),
            options=options_of_json(given),
            sha256=parse_sha256(text_field(given, "sha256")),
        )
    except InvalidInput as error:
        raise FileMetadataInvalid(
            f"The metadata in the file with '{SIDECAR}' behind its name: {error.message}"
        ) from error


def _read(sidecar: bytes) -> dict[str, object]:
    if len(sidecar) > MAX_SIDECAR_BYTES:
        raise FieldInvalid(f"It has more than {MAX_SIDECAR_BYTES:,} bytes.")
    if (fault := json_fault(sidecar)) is not None:
        raise FieldInvalid(fault.replace("The body", "It"))
    try:
        given: object = json.loads(sidecar.removeprefix(BOM_UTF8).decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FieldInvalid("It is not JSON in UTF-8 that can be read.") from error
    if not isinstance(given, dict):
        raise FieldInvalid('It must be a JSON object, as {"title": "…"}.')
    for name in given:
        if name not in KNOWN_FIELDS:
            meant = likely_meant(name[:40], KNOWN_FIELDS)
            hint = "" if meant is None else f" (did you mean '{meant}'?)"
            raise FieldInvalid(f"The field {name[:40]!r} is not known{hint}; allowed are {', '.join(KNOWN_FIELDS)}.")
    return given


def error_text(file_name: str, error: EchoicError, *, formats: list[str], max_megabytes: int) -> bytes:
    """Return the text of the error file beside a file."""
    allowed = ", ".join(f".{extension}" for extension in formats)
    lines = [
        f"Echoic could not take in {file_name}:",
        "",
        f"    {error.message}",
        f"    (code: {error.code})",
        "",
        f"Taken are files with sound that end in {allowed}, of up to {max_megabytes:,} MB of {MB:,} bytes each.",
        "",
        f"The file is tried again once it, or its metadata ({file_name}{SIDECAR}), has changed,",
        f"or once this file ({file_name}{ERROR}) has been deleted.",
        "",
    ]
    return "\n".join(lines).encode("utf-8", "replace")


def name_fault_text(name: str, fault: str) -> bytes:
    """Return the text of the error file beside what no look can take, whose name may be no UTF-8."""
    shown = os.fsencode(name).decode("utf-8", "replace")
    lines = [f"Echoic could not take in {shown}:", "", f"    {fault}", f"    (code: {WatchedFileUnreadable.code})", ""]
    return "\n".join(lines).encode()


def mark_text(*, item_id: int | None, dataset_id: int, sha256: str | None) -> bytes:
    """Return the text of the mark beside a file that was taken."""
    taken = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told = {"item_id": item_id, "dataset_id": dataset_id, "sha256": sha256, "taken_at": taken}
    return (json.dumps(told, indent=2) + "\n").encode()
