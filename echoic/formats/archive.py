"""Several formats of one transcript in one zip file."""

import io
import zipfile
from collections.abc import Mapping

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The same files make the same archive, whenever it is asked for; zip knows no earlier time."""


def pack(files: Mapping[str, str | bytes]) -> bytes:
    """A zip file of these names and contents; text is written in UTF-8."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
