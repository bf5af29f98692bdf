import hashlib
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from echoic.engines.models.packaged import ContentMismatch, PackagedFile, PackagedModel, packaged_dir

WEIGHTS = bytes(range(256)) * 8192  # more than one chunk of the copying
CONFIG = b'{"layers": 6}'


def packaged_file(name: str, content: bytes, *parts: tuple[str, str]) -> PackagedFile:
    return PackagedFile(name=name, parts=parts, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


MODEL = PackagedModel(
    folder="toy-1",
    files=(
        packaged_file("model.bin", WEIGHTS, ("toy_part_one", "data/model.1"), ("toy_part_two", "data/model.2")),
        packaged_file("config.json", CONFIG, ("toy_part_one", "data/config.json")),
    ),
)
SPARE = PackagedModel(
    folder="toy-spare",
    files=(
        packaged_file("model.bin", WEIGHTS[::-1], ("toy_spare", "model.bin")),
        packaged_file("config.json", CONFIG, ("toy_spare", "config.json")),
    ),
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def install(site: Path) -> Callable[[str, dict[str, bytes]], None]:
    def install(package: str, files: dict[str, bytes]) -> None:
        # Its code is not to be run: what is wanted are its files.
        (site / package).mkdir()
        (site / package / "__init__.py").write_text("raise SystemExit", encoding="ascii")
        for name, content in files.items():
            (site / package / name).parent.mkdir(exist_ok=True)
            (site / package / name).write_bytes(content)

    return install


@pytest.fixture
def installed(install: Callable[[str, dict[str, bytes]], None]) -> None:
    half = len(WEIGHTS) // 2
    install("toy_part_one", {"data/model.1": WEIGHTS[:half], "data/config.json": CONFIG})
    install("toy_part_two", {"data/model.2": WEIGHTS[half:]})


def joined(cache: Path) -> Path:
    folder = packaged_dir([MODEL, SPARE], cache)
    assert folder is not None
    return folder


@pytest.mark.usefixtures("installed")
def test_parts_are_joined_into_the_cache_and_nothing_else_is_left_there(tmp_path: Path) -> None:
    folder = joined(tmp_path / "cache")

    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert (folder / "config.json").read_bytes() == CONFIG
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {".lock", "toy-1"}
    assert not {"toy_part_one", "toy_part_two"} & set(sys.modules)


@pytest.mark.usefixtures("installed")
def test_an_intact_model_is_used_as_it_is(tmp_path: Path) -> None:
    before = (joined(tmp_path) / "model.bin").stat()

    after = (joined(tmp_path) / "model.bin").stat()

    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_cached_model_outlives_its_packages(tmp_path: Path, installed: None, site: Path) -> None:
    folder = joined(tmp_path / "cache")
    (site / "toy_part_one").rename(site / "gone_one")
    (site / "toy_part_two").rename(site / "gone_two")

    assert joined(tmp_path / "cache") == folder


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    weights = joined(tmp_path) / "model.bin"
    if damage == "cut":
        weights.write_bytes(WEIGHTS[:1000])
    elif damage == "changed":
        weights.write_bytes(b"x" + WEIGHTS[1:])
    else:
        weights.unlink()

    assert (joined(tmp_path) / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.usefixtures("installed")
def test_a_copied_cache_whose_times_differ_is_hashed_once_and_kept(tmp_path: Path) -> None:
    weights = joined(tmp_path) / "model.bin"
    os.utime(weights, (1, 1))

    assert (joined(tmp_path) / "model.bin").stat().st_mtime == 1


@pytest.mark.usefixtures("installed")
def test_what_a_killed_process_left_half_joined_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".joining-left"
    left.mkdir()
    (left / "model.bin").write_bytes(WEIGHTS[:100])

    joined(tmp_path)

    assert not left.exists()


@pytest.mark.usefixtures("installed")
def test_two_at_once_both_get_the_whole_model(tmp_path: Path) -> None:
    found: list[bytes] = []
    together = threading.Barrier(4)

    def join() -> None:
        together.wait(30)
        found.append((joined(tmp_path) / "model.bin").read_bytes())

    threads = [threading.Thread(target=join) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert found == [WEIGHTS] * 4


def test_nothing_installed_and_nothing_cached_is_no_model(tmp_path: Path) -> None:
    assert packaged_dir([MODEL, SPARE], tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_spare_is_used_where_it_is_installed_instead(
    tmp_path: Path, install: Callable[[str, dict[str, bytes]], None]
) -> None:
    install("toy_spare", {"model.bin": WEIGHTS[::-1], "config.json": CONFIG})

    assert joined(tmp_path / "cache").name == "toy-spare"


def test_the_spare_is_used_where_the_first_package_is_not_what_was_pinned(
    tmp_path: Path, install: Callable[[str, dict[str, bytes]], None], installed: None
) -> None:
    install("toy_spare", {"model.bin": WEIGHTS[::-1], "config.json": CONFIG})
    forged = replace(MODEL, files=tuple(replace(file, sha256="0" * 64) for file in MODEL.files))

    folder = packaged_dir([forged, SPARE], tmp_path / "cache")

    assert folder is not None
    assert folder.name == "toy-spare"


@pytest.mark.usefixtures("installed")
def test_a_package_with_other_content_than_pinned_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    forged = replace(MODEL, files=tuple(replace(file, sha256="0" * 64) for file in MODEL.files))

    with pytest.raises(ContentMismatch):
        packaged_dir([forged], tmp_path / "cache")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {".lock"}
