import os
import subprocess
import sys
from pathlib import Path

import pytest

from echoic import errors
from echoic.engines.models.whisper import whisper_dir
from echoic.settings import Settings


def settings(folder: Path, model: str, **changes: object) -> Settings:
    base = Settings(data_dir=folder, transcriber_model=model, model_downloads=False)
    return base.model_copy(update=changes)


def converted_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).write_bytes(b"{}")
    return folder


def test_a_folder_named_as_model_is_used(tmp_path: Path) -> None:
    folder = converted_model(tmp_path / "my-whisper")

    assert whisper_dir(settings(tmp_path, str(folder))) == folder


def test_the_models_folder_is_looked_at_before_the_packages(tmp_path: Path) -> None:
    folder = converted_model(tmp_path / "models" / "base")

    assert whisper_dir(settings(tmp_path, "base", models_dir=tmp_path / "models")) == folder


def test_a_folder_that_lacks_what_would_be_fetched_instead_is_refused(tmp_path: Path) -> None:
    folder = converted_model(tmp_path / "my-whisper")
    (folder / "tokenizer.json").unlink()

    with pytest.raises(errors.ModelMissing, match=r"tokenizer\.json"):
        whisper_dir(settings(tmp_path, str(folder)))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelMissing):
        whisper_dir(settings(tmp_path, str(tmp_path)))


def test_a_model_that_is_nowhere_on_this_machine_is_missing_and_the_error_says_what_helps(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelMissing, match=r"downloads are switched off.*'base'"):
        whisper_dir(settings(tmp_path, "small"))


def test_a_name_that_no_model_has_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelMissing, match=r"'bass'.*large-v3"):
        whisper_dir(settings(tmp_path, "bass"))


def test_a_models_folder_that_cannot_be_written_is_named_as_the_cause(tmp_path: Path) -> None:
    (tmp_path / "models").write_bytes(b"a file where a folder should be")

    with pytest.raises(errors.ModelMissing, match="could not be written"):
        whisper_dir(settings(tmp_path, "base"))


def test_the_hub_is_told_to_send_no_telemetry_and_without_downloads_to_stay_offline(tmp_path: Path) -> None:
    program = (
        "from echoic.engines.models.hub import quiet_hub; from echoic.settings import Settings; "
        "quiet_hub(Settings(model_downloads=False)); import huggingface_hub.constants as c; "
        "print(c.HF_HUB_DISABLE_TELEMETRY, c.HF_HUB_OFFLINE)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)

    assert said.stdout.split() == ["True", "True"]


@pytest.mark.models
def test_whisper_base_comes_out_of_the_installed_packages(tmp_path: Path) -> None:
    folder = whisper_dir(settings(tmp_path, "base"))

    assert folder.is_relative_to(tmp_path / "models")
    assert (folder / "model.bin").stat().st_size == 145_217_532
