"""Fail where the subject of a commit is too long for one line: the reason belongs in its body.

Commits up to ``OLDER_THAN_THE_RULE`` are left alone, and all of them in a clone that does not reach back so far.
"""

import subprocess
import sys
from pathlib import Path

OLDER_THAN_THE_RULE = "641699abaf4c09094f846dd1d00d052a373735c0"
MAX_SUBJECT_CHARACTERS = 72
"""What `git log` shows in a terminal of 80 columns, which indents by four."""


def complaints(commits: list[tuple[str, str]]) -> list[str]:
    """A sentence for each commit, given as its short name and subject, that has too long a subject."""
    return [
        f"{name} has a subject of {len(subject)} characters, {MAX_SUBJECT_CHARACTERS} are allowed: {subject}"
        for name, subject in commits
        if len(subject) > MAX_SUBJECT_CHARACTERS
    ]


def commits_since(root: Path, revision: str) -> list[tuple[str, str]] | None:
    """Short names and subjects of the commits after a revision, the newest first; None where it is not in the history."""
    if _git(root, "merge-base", "--is-ancestor", revision, "HEAD").returncode != 0:
        return None
    listing = _git(root, "log", "--no-merges", "--format=%h %s", f"{revision}..HEAD").stdout
    return [(name, subject) for name, _, subject in (line.partition(" ") for line in listing.splitlines())]


def main(root: Path, revision: str = OLDER_THAN_THE_RULE) -> int:
    """Print every complaint; 1 when there is one."""
    commits = commits_since(root, revision)
    if commits is None:
        print(f"commits: this clone does not reach back to {revision[:7]}; none checked")
        return 0
    found = complaints(commits)
    for complaint in found:
        print(complaint)
    print(f"commits: {len(commits)} subjects checked, {len(found)} complaints")
    return 1 if found else 0


def _git(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True, text=True)  # noqa: S607


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
