"""Models are found where they are, pulled from the first source that can, and every file is held to its digest."""

import hashlib
from pathlib import Path

import pytest
from faster_whisper.utils import _MODELS

from echoic import errors
from echoic.engines.models.catalog import MINILM, MODELS, WHISPER, whisper_model
from echoic.engines.models.find import locate, needed, pull
from echoic.engines.models.model import Model
from echoic.engines.models.verify import verify
from echoic.settings import Settings


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, model_downloads=False).model_copy(update=changes)


def files_of(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def test_the_table_knows_every_whisper_model_that_the_library_knows() -> None:
    assert {name: model.hub.repo for name, model in WHISPER.items() if model.hub} == _MODELS


def test_every_model_has_a_source_a_license_and_pinned_files_or_a_hub() -> None:
    for model in MODELS.values():
        assert model.license
        assert model.packaged or model.hub
        assert model.size_bytes is None or model.size_bytes > 0
        for file in (file for packaged in model.packaged for file in packaged.files):
            assert len(bytes.fromhex(file.sha256)) == hashlib.sha256().digest_size


@pytest.mark.models
@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.packaged])
def test_what_packages_carry_is_what_is_pinned(name: str, tmp_path: Path) -> None:
    located = pull(MODELS[name], settings(tmp_path))

    checked = verify(MODELS[name], located)

    assert located.source == "package"
    assert [file.state for file in checked] == ["ok"] * len(checked)
    assert sum(path.stat().st_size for path in located.files.values()) == MODELS[name].size_bytes


def test_a_model_of_the_operators_comes_first_and_is_nobodys_to_check(tmp_path: Path) -> None:
    files_of(tmp_path / "models" / "base", model_bin=b"mine", config_json=b"{}")
    own = settings(tmp_path, models_dir=tmp_path / "models")

    located = pull(MODELS["base"], own)

    assert (located.source, located.place) == ("folder", tmp_path / "models" / "base")
    assert {file.state for file in verify(MODELS["base"], located)} == {"not pinned"}


def test_a_changed_byte_of_a_joined_model_is_found(tmp_path: Path) -> None:
    folder = files_of(tmp_path / "models" / MODELS["base"].packaged[0].folder, config_json=b"{}")
    located = locate(MODELS["base"], settings(tmp_path))
    assert located is not None
    assert located.place == folder

    states = {file.name: file.state for file in verify(MODELS["base"], located)}

    assert states == {
        "model.bin": "missing",
        "config.json": "damaged",
        "tokenizer.json": "missing",
        "vocabulary.txt": "missing",
    }


def test_what_the_hub_gave_is_held_to_the_hubs_own_digests(tmp_path: Path) -> None:
    weights, config = b"weights" * 1000, b'{"layers": 4}'
    repository = tmp_path / "models" / "hub" / "models--Systran--faster-whisper-tiny"
    blobs = repository / "blobs"
    snapshot = repository / "snapshots" / ("c" * 40)
    for folder in (blobs, snapshot, repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text("c" * 40, encoding="ascii")
    # A large file lies under its SHA-256, a small one under git's name for it.
    names = {
        "model.bin": hashlib.sha256(weights).hexdigest(),
        "config.json": hashlib.sha1(b"blob 13\0" + config, usedforsecurity=False).hexdigest(),
    }
    for name, content in (("model.bin", weights), ("config.json", config)):
        (blobs / names[name]).write_bytes(content)
        (snapshot / name).symlink_to(blobs / names[name])
    tiny = MODELS["tiny"]
    assert locate(tiny, settings(tmp_path)) is None, "what was fetched by half is not there"
    (snapshot / "tokenizer.json").write_bytes(b"{}")

    located = locate(tiny, settings(tmp_path))
    assert located is not None
    assert located.source == "hub"
    states = {file.name: file.state for file in verify(tiny, located)}
    assert states == {"model.bin": "ok", "config.json": "ok", "tokenizer.json": "not pinned"}

    (blobs / names["model.bin"]).write_bytes(weights[:-1])
    (blobs / names["config.json"]).write_bytes(b'{"layers": 5}')
    states = {file.name: file.state for file in verify(tiny, located)}
    assert (states["model.bin"], states["config.json"]) == ("damaged", "damaged")


def test_a_packaged_model_whose_package_is_gone_says_which(tmp_path: Path) -> None:
    packaged = MINILM.packaged[0]
    gone = packaged.files[0].__class__(name="model.onnx", parts=(("no_such_package", "m"),), size_bytes=1, sha256="0")
    model = Model(
        name="gone",
        task="embeddings",
        license="MIT",
        engines=("minilm",),
        packaged=(packaged.__class__(folder="gone", files=(gone,)),),
    )

    assert locate(model, settings(tmp_path)) is None
    with pytest.raises(errors.ModelMissing, match="no_such_package"):
        pull(model, settings(tmp_path))


def test_the_settings_call_for_the_models_of_their_engines(tmp_path: Path) -> None:
    plain = {model.name for model in needed(settings(tmp_path))}
    other = needed(settings(tmp_path, transcriber_model="org/own", entity_tagger="gliner", diarizer="fake"))

    assert plain == {
        *("base", "silero-vad-v6", "segmentation-3.0", "campplus", "voice-background", "en-core-web-sm"),
        "all-MiniLM-L6-v2-int8",
    }
    assert [model.name for model in other] == [
        *("org/own", "urchade/gliner_medium-v2.1", "silero-vad-v6", "segmentation-3.0", "all-MiniLM-L6-v2-int8"),
    ]
    assert other[0] == whisper_model("org/own", repo="org/own")
    offering = needed(settings(tmp_path, transcribers_offered=("faster-whisper/small", "whisperx/base", "whisperx")))
    assert [model.name for model in offering[:3]] == ["base", "small", "large-v3"]
