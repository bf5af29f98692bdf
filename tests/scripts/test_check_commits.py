"""Subjects of commits: which are too long, and from which commit on they are looked at."""

import subprocess
from pathlib import Path

import pytest

from scripts.check_commits import MAX_SUBJECT_CHARACTERS, main


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Make a commit; returns its name."""
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def test_a_subject_that_is_too_long_is_named_with_its_commit(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = commit(repository, "first")
    commit(repository, "x" * MAX_SUBJECT_CHARACTERS + "\n\n" + "A body may be as long as it wants to be. " * 9)
    assert main(repository, first) == 0
    too_long = commit(repository, "y" * (MAX_SUBJECT_CHARACTERS + 1))
    assert main(repository, first) == 1
    assert f"{too_long[:7]} has a subject of 73 characters, 72 are allowed: yyy" in capsys.readouterr().out


def test_a_body_without_an_empty_line_before_it_belongs_to_the_subject(repository: Path) -> None:
    first = commit(repository, "first")
    commit(repository, "A subject that is short\nand a body that follows at once, so that git takes both for one")
    assert main(repository, first) == 1


def test_commits_older_than_the_rule_are_left_alone(repository: Path) -> None:
    older = commit(repository, "z" * 100)
    commit(repository, "newer")
    assert main(repository, older) == 0


def test_a_clone_that_does_not_reach_back_so_far_is_said_to_be_one(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository, "z" * 100)
    assert main(repository, "0" * 40) == 0
    assert "does not reach back" in capsys.readouterr().out
