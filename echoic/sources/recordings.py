"""The name of a recording by its content: what feeds and hosts say of its type is often wrong. Pure."""

from urllib.parse import unquote, urlsplit

from echoic.intake.file_names import MAX_FILE_NAME_CHARACTERS, base_name, fault_of_name, split_extension

HEAD_BYTES = 16
_FILMS = ("mp4", "m4v", "mov", "m4b")
_MPEG_SYNC = 0xE0
_ADTS = 0xF0
_ADTS_MASK = 0xF6

_TYPES = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/x-m4a": "m4a",
    "audio/m4a": "m4a",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/webm": "webm",
}


def extension_of(head: bytes, url: str, media_type: str | None) -> str:
    """Return the extension that fits a recording: by its first bytes, else by its address, else by its type."""
    _, named = split_extension(base_name(unquote(urlsplit(url).path.rpartition("/")[2])))
    if head[4:8] == b"ftyp":
        return named if named in _FILMS else "m4a"
    if head[:4] == b"OggS":
        return named if named in ("opus", "oga") else "ogg"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm"
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & _ADTS_MASK == _ADTS:
        return "aac"
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & _MPEG_SYNC == _MPEG_SYNC):
        return "mp3"
    return named or _TYPES.get(media_type or "", "")


def file_name(head: bytes, url: str, media_type: str | None) -> str:
    """Return the name of a recording's file."""
    extension = extension_of(head, url, media_type)
    stem, _ = split_extension(base_name(unquote(urlsplit(url).path.rpartition("/")[2])))
    stem = (stem or "episode")[: MAX_FILE_NAME_CHARACTERS // 2]
    if fault_of_name(stem) is not None:
        stem = "episode"
    return f"{stem}.{extension}" if extension else stem
