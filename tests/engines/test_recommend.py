from pathlib import Path
from typing import Any

import pytest

from echoic.engines.machine import MIB, Machine, look_at_machine
from echoic.engines.recommend import GB, answers, recommend
from echoic.server import choosing
from echoic.settings import Settings
from tests.engines.nemo import tiny


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, data_dir=folder, transcriber_model="auto").model_copy(update=changes)


def machine(gb: float, cores: int, gpu_gb: float | None = None) -> Machine:
    gpu = None if gpu_gb is None else round(gpu_gb * GB)
    return Machine(memory_bytes=round(gb * GB), cores=cores, gpu_memory_bytes=gpu)


LAPTOP, SERVER = machine(8, 4), machine(32, 16)


def always(_: str) -> bool:
    return True


def never(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("of", "language", "expected"),
    [
        (machine(2, 2), None, "faster-whisper/base"),
        (LAPTOP, None, "faster-whisper/small"),
        (SERVER, None, "faster-whisper/large-v3-turbo"),
        (LAPTOP, "de", "onnx-asr/parakeet-tdt-0.6b-v3"),
        (SERVER, "ja", "faster-whisper/large-v3-turbo"),
        (machine(16, 4, 24), "de", "faster-whisper/large-v3"),
        (machine(16, 4, 4), None, "faster-whisper/large-v3-turbo"),
        (machine(16, 4, 1), None, "faster-whisper/small"),
    ],
)
def test_the_best_that_fits_is_chosen_where_models_can_be_fetched(
    tmp_path: Path, of: Machine, language: str | None, expected: str
) -> None:
    found = recommend(settings(tmp_path, language=language), machine=of, can_be_reached=always)

    assert f"{found.engine}/{found.model}" == expected
    assert f"{of.cores} cores, {of.memory_bytes / GB:.1f} GB of memory" in found.reason


def test_without_a_network_it_is_what_comes_with_echoic_and_the_reason_says_what_was_missed(tmp_path: Path) -> None:
    found = recommend(settings(tmp_path), machine=SERVER, can_be_reached=never)

    assert (found.engine, found.model) == ("faster-whisper", "base")
    assert found.reason.endswith(
        "it is on this machine; large-v3-turbo would fit, but is not on this machine, and huggingface.co cannot be reached"
    )


def test_nobody_is_asked_where_downloads_are_off_and_a_model_that_is_here_is_taken(tmp_path: Path) -> None:
    def asked(url: str) -> bool:
        raise AssertionError(url)

    own = settings(tmp_path, model_downloads=False, models_dir=tmp_path / "models", language="de")
    assert recommend(own, machine=LAPTOP, can_be_reached=asked).model == "base"
    assert "downloads are switched off" in recommend(own, machine=LAPTOP, can_be_reached=asked).reason

    tiny.write_tdt(tmp_path / "models" / "parakeet-tdt-0.6b-v3")
    found = recommend(own, machine=LAPTOP, can_be_reached=asked)
    assert (found.engine, found.model) == ("onnx-asr", "parakeet-tdt-0.6b-v3")


def test_the_mirror_is_asked_instead_of_the_hub(tmp_path: Path) -> None:
    asked: list[str] = []
    own = settings(tmp_path, models_url="http://models.example/echoic")

    def note(url: str) -> bool:
        asked.append(url)
        return True

    recommend(own, machine=LAPTOP, can_be_reached=note)

    assert asked == ["http://models.example/echoic"]


def test_an_address_that_does_not_answer_is_given_up_soon() -> None:
    # Port 9 of this machine refuses at once; the time of one that is silent is bounded by the thread that asks.
    assert not answers("http://127.0.0.1:9/")


def test_the_choice_becomes_settings_and_goes_to_the_processes_that_are_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = settings(tmp_path)
    for name in choosing.CHOSEN:
        # So that the test's end takes back what the choice writes there.
        monkeypatch.setenv(f"ECHOIC_{name.upper()}", "before")
    best = recommend(own, machine=machine(16, 4, 24), can_be_reached=always)
    monkeypatch.setattr(choosing, "recommend", lambda _: best)

    chosen = choosing.with_chosen_transcriber(own)

    assert (chosen.transcriber_model, chosen.transcriber_device) == ("large-v3", "cuda")
    assert chosen.transcriber_chosen_because == best.reason
    inherited = Settings(_env_file=None, data_dir=tmp_path)
    assert (inherited.transcriber_model, inherited.transcriber_device) == ("large-v3", "cuda")
    assert choosing.with_chosen_transcriber(inherited) is inherited


def test_limits_of_a_container_count(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{512 * MIB}\n", encoding="ascii")
    (tmp_path / "cpu.max").write_text("100000 100000\n", encoding="ascii")

    limited, free = look_at_machine(tmp_path), look_at_machine(tmp_path / "none")

    assert (limited.memory_bytes, limited.cores) == (512 * MIB, 1)
    assert free.memory_bytes >= limited.memory_bytes
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert look_at_machine(tmp_path) == free
