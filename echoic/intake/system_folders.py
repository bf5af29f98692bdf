"""Names of folders that systems make beside what people put there: deleted files, snapshots, notes. Pure.

One list says what is never taken in, whether somebody uploads a folder or a folder or bucket is watched.
"""

import re

_NAMES = frozenset(
    {
        *("$recycle.bin", "recycler", "recycled", "system volume information"),  # Windows, the third on FAT
        *("__macosx", "network trash folder", "temporary items", "thevolumesettingsfolder"),  # macOS: archives, shares
        "lost+found",  # Linux
        *("@eadir", "#recycle", "#snapshot"),  # network storage of Synology
        *("@recycle", "@recently-snapshot"),  # and of QNAP
    }
)
"""In lower case."""
_FOUND = re.compile(r"found\.\d{3}")
"""What the check of a disk by Windows saves, in folders with rising numbers."""


def is_of_system(name: str) -> bool:
    """Return whether a folder of this name, in any case, is made by a system and holds nothing that was put there."""
    plain = name.lower()
    return plain in _NAMES or _FOUND.fullmatch(plain) is not None
