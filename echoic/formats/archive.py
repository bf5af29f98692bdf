"""Several formats of one transcript in one zip file."""

import io
import zipfile
from collections.abc import Mapping

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same files make the same archive; zip knows no earlier time."""


def pack(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip file of these names and contents; text is written in UTF-8."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
