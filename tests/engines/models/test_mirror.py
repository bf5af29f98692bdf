"""A server of one's own for models, on the loopback interface."""

import functools
import hashlib
import threading
from collections.abc import Iterable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from echoic import errors
from echoic.engines.models.catalog import WHISPER
from echoic.engines.models.find import locate, pull
from echoic.engines.models.mirror import parse_sums
from echoic.engines.models.nemo import NEMO, NEMO_FLOAT
from echoic.engines.models.verify import verify
from echoic.engines.models.whisper import whisper_dir
from echoic.settings import Settings

SMALL = WHISPER["small"]
LITTLE_BYTES = 6_000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


class Breaking(Quiet):
    """Gives from each range that is asked for half of what is left, and hangs up, until little is left."""

    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        content = Path(self.translate_path(self.path)).read_bytes()
        if not self.path.endswith("model.bin"):
            super().do_GET()
            return
        asked = self.headers["Range"]
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if len(rest) < LITTLE_BYTES else rest[: len(rest) // 2])


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """The folder that a server gives, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = getattr(request, "param", Quiet)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def settings(folder: Path, url: str, **changes: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder / "data", models_url=url).model_copy(update=changes)


FILES = ("config.json", "model.bin", "tokenizer.json")


def publish(folder: Path, name: str = "small", files: Iterable[str] = FILES, **wrong: str) -> None:
    """Put a model there, as ``sha256sum * > SHA256SUMS`` lists it."""
    model = folder / name
    model.mkdir(exist_ok=True)
    lines = []
    for file in files:
        content = f"{file} of {name}".encode() * 1000
        (model / file).write_bytes(content)
        lines.append(f"{wrong.get(file) or hashlib.sha256(content).hexdigest()}  {file}\n")
    (model / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def test_a_model_is_fetched_from_the_mirror_once_and_can_be_verified(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    publish(folder)
    own = settings(tmp_path, url)
    came: list[tuple[int, int]] = []

    found = pull(SMALL, own, told=lambda done, total: came.append((done, total)))

    assert found.source == "mirror"
    assert (
        came[-1][0]
        == came[-1][1]
        == sum(len((folder / "small" / file).read_bytes()) for file in found.files)
        - len((folder / "small" / "SHA256SUMS").read_bytes())
    )
    assert {file.name: file.state for file in verify(SMALL, found)}["model.bin"] == "ok"
    # The engine takes it from there, and nobody is asked again.
    assert whisper_dir(settings(tmp_path, "http://127.0.0.1:9"), "small") == found.place
    (found.place / "model.bin").write_bytes(b"damaged")
    again = locate(SMALL, own)
    assert again is not None
    assert {file.name: file.state for file in verify(SMALL, again)}["model.bin"] == "damaged"


def test_content_that_is_not_what_the_list_says_is_not_kept(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    publish(folder, **{"model.bin": "0" * 64})
    own = settings(tmp_path, url)

    with pytest.raises(errors.ModelMissing, match=r"model\.bin from ECHOIC_MODELS_URL has another content"):
        pull(SMALL, own)

    assert locate(SMALL, own) is None
    assert [path.name for path in (own.models_cache_dir / "mirror").iterdir()] == [".lock"]


@pytest.mark.parametrize("served", [Breaking], indirect=True)
def test_a_fetch_that_breaks_goes_on_where_it_was(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    publish(folder)
    own = settings(tmp_path, url)
    size = (folder / "small" / "model.bin").stat().st_size

    for _ in range(2):
        with pytest.raises(errors.ModelMissing, match="could not be fetched"):
            pull(SMALL, own)
        assert locate(SMALL, own) is None
    found = pull(SMALL, own)

    assert Breaking.ranges == [None, f"bytes={size // 2}-", f"bytes={size // 2 + (size - size // 2) // 2}-"]
    assert {file.name: file.state for file in verify(SMALL, found)}["model.bin"] == "ok"


def test_a_list_without_a_file_that_the_model_needs_is_refused(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    publish(folder, files=FILES[:2])
    own = settings(tmp_path, url)

    with pytest.raises(errors.ModelMissing, match=r"'small' at ECHOIC_MODELS_URL lacks tokenizer\.json"):
        pull(SMALL, own)

    assert locate(SMALL, own) is None


def test_another_form_of_a_model_that_was_fetched_is_fetched_when_it_is_there(
    tmp_path: Path, served: tuple[Path, str]
) -> None:
    folder, url = served
    own = settings(tmp_path, url)
    small, whole = NEMO["canary-1b-v2"], NEMO_FLOAT["canary-1b-v2"]
    assert small.hub is not None
    assert whole.hub is not None
    publish(folder, small.name, small.hub.required)
    place = pull(small, own).place

    assert locate(whole, own) is None
    with pytest.raises(errors.ModelMissing, match=r"lacks encoder-model\.onnx, decoder-model\.onnx"):
        pull(whole, own)
    assert locate(small, own) is not None
    publish(folder, small.name, dict.fromkeys((*small.hub.required, *whole.hub.required)))
    assert pull(whole, own).place == place
    assert locate(small, own) is not None


def test_a_mirror_that_is_away_is_named_as_the_cause(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelMissing, match="'small' could not be fetched from ECHOIC_MODELS_URL"):
        pull(SMALL, settings(tmp_path, "http://127.0.0.1:9"))


def test_what_the_mirror_refuses_is_told_without_the_password_of_its_address(
    tmp_path: Path, served: tuple[Path, str]
) -> None:
    folder, url = served
    publish(folder)
    (folder / "small" / "model.bin").unlink()
    with pytest.raises(errors.ModelMissing) as refused:
        pull(SMALL, settings(tmp_path, url.replace("http://", "http://reader:hidden@")))
    assert refused.value.message == (
        "The model 'small' could not be fetched from ECHOIC_MODELS_URL: /small/model.bin was answered 404."
    )


def test_a_list_names_only_files_of_its_folder() -> None:
    digest = "ab" * 32
    assert parse_sums(f"{digest}  ./a/b.onnx\n{digest} *c.bin\n\n") == {"a/b.onnx": digest, "c.bin": digest}
    for line in (f"{digest}  ../x", f"{digest}  /etc/x", "abc  x", f"{digest}", f"{digest}  .x"):
        with pytest.raises(errors.ModelMissing, match="SHA256SUMS"):
            parse_sums(line)
