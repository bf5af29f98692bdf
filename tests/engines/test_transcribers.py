"""Which transcribers may be asked for, and how many of them are loaded."""

from pathlib import Path

import pytest

from echoic import errors
from echoic.engines.choice import Chosen, choose, offered, settings_for
from echoic.engines.fake import FakeTranscriber
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import Transcriber
from echoic.engines.registry import Engines
from echoic.engines.transcribers import Transcribers
from echoic.records import EngineId
from echoic.settings import Settings

BASE, SMALL = (Chosen(engine="faster-whisper", model=model) for model in ("base", "small"))
REMOTE = Chosen(engine="openai", model="org/large")


def settings(**changes: object) -> Settings:
    base = Settings(_env_file=None, transcribers_offered=("faster-whisper/small", "openai/org/large", "faster-whisper"))
    return base.model_copy(update=changes)


def test_the_settings_own_comes_first_and_each_once() -> None:
    assert offered(settings()) == (BASE, SMALL, REMOTE)


@pytest.mark.parametrize(
    ("engine", "model", "chosen"),
    [
        (None, None, BASE),
        ("faster-whisper", None, BASE),
        (None, "small", SMALL),
        ("openai", None, REMOTE),
        ("openai", "org/large", REMOTE),
    ],
)
def test_what_is_left_out_is_the_first_that_fits(engine: str | None, model: str | None, chosen: Chosen) -> None:
    assert choose(settings(), engine=engine, model=model) == chosen


@pytest.mark.parametrize(("engine", "model"), [("openai", "small"), ("fake", None), (None, "large-v3")])
def test_another_is_refused_with_those_on_offer(engine: str | None, model: str | None) -> None:
    with pytest.raises(errors.TranscriberNotOffered, match=r"'faster-whisper' with the model 'small'; 'openai'"):
        choose(settings(), engine=engine, model=model)


def test_a_choice_becomes_settings_that_name_it() -> None:
    named = settings_for(settings(), REMOTE)

    assert (named.transcriber, named.openai_model, named.transcriber_model) == ("openai", "org/large", "base")


def test_an_offer_that_cannot_be_kept_stops_the_start(tmp_path: Path) -> None:
    base = settings(data_dir=tmp_path)
    with pytest.raises(errors.SettingInvalid, match="'fake/x'"):
        offered(base.model_copy(update={"transcribers_offered": ("fake/x",)}))
    with pytest.raises(errors.SettingInvalid, match="ECHOIC_OPENAI_BASE_URL"):
        Engines(base)
    with pytest.raises(errors.EngineUnknown, match="'oracle'"):
        Engines(base.model_copy(update={"transcribers_offered": ("oracle",)}))


def fakes(own: Settings) -> EngineLease[Transcriber]:
    engine_id = EngineId(name=own.transcriber, model=own.transcriber_model, version="1")
    return EngineLease(engine_id, FakeTranscriber, idle_seconds=600)


def loaded(transcribers: Transcribers) -> list[Chosen]:
    return [choice for choice in (BASE, SMALL, REMOTE) if transcribers.lease(choice).loaded]


def test_the_next_one_takes_the_place_of_one_that_is_idle() -> None:
    transcribers = Transcribers(settings(), fakes)

    for choice in (BASE, SMALL, BASE, REMOTE):
        with transcribers.use(choice):
            assert loaded(transcribers) == [choice]
    transcribers.close()
    assert loaded(transcribers) == []


def test_where_two_may_stay_the_one_unused_for_longest_goes() -> None:
    transcribers = Transcribers(settings(transcribers_max_loaded=2), fakes)

    for choice in (BASE, SMALL, BASE, REMOTE):
        with transcribers.use(choice):
            pass

    assert loaded(transcribers) == [BASE, REMOTE]
    transcribers.close()


def test_one_that_is_in_use_is_never_unloaded() -> None:
    transcribers = Transcribers(settings(), fakes)

    with transcribers.use(BASE), transcribers.use(SMALL):
        assert loaded(transcribers) == [BASE, SMALL]
    with transcribers.use(REMOTE):
        assert loaded(transcribers) == [REMOTE]
    transcribers.close()
