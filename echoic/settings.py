"""Every setting: typed, the unit in the name, one sentence each. Read once at start, then frozen.

A setting ``name`` is read from the environment variable ``ECHOIC_NAME`` (the database also from the customary
``DATABASE_URL``) or from a file named ``.env`` in the working directory.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from echoic import wording
from echoic.errors import SettingInvalid

PREFIX = "ECHOIC_"
FILE = ".env"
Queue = Literal["cpu", "gpu"]
HTTP_URL = "^https?://"
LANGUAGE = "^[a-z]{2,3}$"
PATTERNS = {
    HTTP_URL: "must begin with http:// or https://",
    LANGUAGE: "must be an ISO 639 code of two or three small letters, as 'en'",
}
"""The rules that regular expressions stand for, in words."""


def default_data_dir() -> Path:
    """``/var/lib/echoic`` for root, the user's XDG data folder for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/echoic")
    try:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    except RuntimeError as error:  # an account that nobody made, as in containers
        raise SettingInvalid("This account has no home folder to keep the data in; set ECHOIC_DATA_DIR.") from error
    return Path(base) / "echoic"


class Settings(BaseSettings):
    """The settings of one Echoic process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    # Where things lie

    data_dir: Path = Field(default_factory=default_data_dir)
    """Folder of everything Echoic keeps on this machine: database, audio, models, the first API key."""
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("ECHOIC_DATABASE_URL", "DATABASE_URL")
    )
    """An external PostgreSQL, ``postgresql://user:password@host/name``; unset starts the embedded one; see docs/database.md."""
    database_direct_url: SecretStr | None = None
    """The same database past the connection pool, as pgbouncer is one, that ``database_url`` leads through; unset: there is no such pool."""
    database_replica_url: SecretStr | None = None
    """One streaming replica of that database, ``postgresql://user:password@replica/name``, which answers reads; see docs/database.md. Unset: none."""
    database_replica_wait_seconds: float = Field(default=0.2, ge=0, le=10)
    """Time a read waits until the replica has replayed all that was committed before; then the database itself answers."""
    database_start_wait_seconds: float = Field(default=60.0, ge=0, le=3600)
    """How long each step of a start, of a server or a worker, waits for a database that does not answer or takes no writes yet."""
    database_pool_size: int = Field(default=10, ge=1, le=200)
    """Database connections one process may hold open for transactions; for reads, the API may open as many again, and 4 for whole transcripts."""
    postgres_bin_dir: Path | None = None
    """Folder of the PostgreSQL programs for the embedded server; unset uses the packaged ones, then the system's."""
    postgres_account: str | None = None
    """Account the embedded PostgreSQL runs as when Echoic itself runs as root; unset takes ``postgres`` or ``nobody``."""
    storage_url: str | None = None
    """Address of the store for audio: ``s3://bucket/prefix``, ``gs://…``, ``az://…``; unset is a folder below ``data_dir``."""
    search_url: SecretStr | None = None
    """An OpenSearch that answers searches, ``https://user:password@host:9200``; unset leaves them to the database."""
    search_ca_file: Path | None = None
    """File with the certificates of the authorities that vouch for that OpenSearch; unset trusts the system's."""
    search_shards: int = Field(default=1, ge=1, le=1024)
    """Shards of an index that is made there; a library lies in one of them."""
    search_when_away: Literal["refuse", "database"] = "refuse"
    """Answer to searches for words while that OpenSearch is away: a 503, or what the database finds."""
    models_dir: Path | None = None
    """Folder with model weights; looked at before the packaged ones; unset is a folder below ``data_dir``."""

    # The server

    host: str = "127.0.0.1"
    """Address the API listens on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port the API listens on; 0 takes a free one."""
    max_connections: int = Field(default=1000, ge=1)
    """Connections the API holds at a time; fewer where the system lets the process open fewer files."""
    metrics_token: SecretStr | None = None
    """Token that ``/metrics`` asks for, as ``Authorization: Bearer TOKEN``; unset: everybody may read it."""
    log_format: Literal["console", "json"] = "console"
    """Form of log lines: for people, or one JSON object each."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important level that is logged."""
    public_url: str | None = Field(default=None, pattern=HTTP_URL)
    """Address under which clients reach the server, used in links; unset uses the request's own.

    People sign in under it, or on the machine itself.
    """
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may use the API with a key, as ``https://app.example.org``, separated by commas; ``*`` allows all."""

    # Signing in

    oidc_issuer: str | None = Field(default=None, pattern=HTTP_URL)
    """Address of the OpenID Connect provider that people sign in with, as it names itself; unset: none."""
    oidc_client_id: str | None = None
    """Name under which the provider knows this server."""
    oidc_client_secret: SecretStr | None = None
    """Secret that the provider has given this server; unset where it has given none (a public client)."""
    oidc_name: str = Field(default="OpenID Connect", min_length=1, max_length=100)
    """Name of the provider on the button of the sign-in form."""
    oidc_scopes: Annotated[tuple[str, ...], NoDecode] = ("openid", "email", "profile")
    """Scopes that the provider is asked for, separated by commas; some give groups only with one of their own."""
    oidc_allowed_domains: Annotated[tuple[str, ...], NoDecode] = ()
    """Domains of the verified e-mail addresses that are let in, separated by commas; unset: all people of the provider."""
    oidc_new_accounts: bool = True
    """Give an account to people of the provider who have none; else they need an invitation."""
    oidc_groups_claim: str = "groups"
    """Claim in which the provider names a person's groups."""
    oidc_group_roles: Annotated[tuple[str, ...], NoDecode] = ()
    """Roles in libraries by group, as ``group=library:role``, separated by commas; set at each sign-in."""
    proxy_user_header: str | None = None
    """Header in which a reverse proxy names who has signed in there, as ``Remote-User``; unset: none is believed."""
    proxy_networks: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses and networks of that proxy, separated by commas; from others the header means nothing."""

    # E-mail
    smtp_url: SecretStr | None = None
    """Mail server that sends alerts, ``smtps://user:password@host:465`` (TLS from the first byte) or ``smtp://user:password@host:587``; unset: no e-mail is sent."""
    smtp_starttls: Literal["required", "never"] = "required"
    """Whether a connection of ``smtp://`` is encrypted before anything is sent; with ``never`` no password may be set."""
    mail_from: str | None = None
    """Sender of mails, ``Echoic <echoic@example.org>``."""
    digest_hour: int = Field(default=7, ge=0, le=23)
    """Hour of the day at which daily digests of alerts are sent, for accounts that choose none."""
    digest_time_zone: str = "UTC"
    """Time zone of that hour, by its IANA name, as ``Europe/Berlin``."""

    # Programs that people connect

    oauth_redirect_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts that programs connected by OAuth may lead a browser back to, separated by commas; ``localhost`` is the person's own device, ``cursor:`` a scheme of a program there; unset: all."""

    # Plans

    plans_file: Path | None = None
    """TOML file that adds plans for accounts, or changes the built-in plan ``free``; read when the server starts."""

    # Uploads

    upload_default_max_mb: int = Field(default=500, ge=1, le=102_400)
    """Size cap that a new dataset starts with, in MB of 1,048,576 bytes."""
    upload_idle_timeout_seconds: float = Field(default=30.0, gt=0)
    """Silence after which an upload is given up."""
    upload_expires_hours: float = Field(default=24.0, gt=0)
    """A resumable upload that receives nothing for so long is given up with its bytes."""
    upload_max_unfinished: int = Field(default=100, ge=1)
    """Resumable uploads that one account may have under way at the same time; expired ones do not count."""
    fetch_timeout_seconds: float = Field(default=120.0, gt=0)
    """Time a download from a given URL may take in all."""
    fetch_allowed_networks: Annotated[tuple[str, ...], NoDecode] = ()
    """Networks or host names that ``audio_url`` may point to although they are internal, separated by commas."""
    fetch_proxy_url: SecretStr | None = None
    """Proxy through which ``audio_url`` is fetched, ``http://user:password@host:port`` or ``https://…``; unset: none."""
    fetch_proxy_resolves: bool = False
    """Give that proxy host names, so that it checks their addresses; else this server resolves and checks them."""

    # Folders and buckets that are watched

    watch_roots: Annotated[tuple[str, ...], NoDecode] = ()
    """Folders below which datasets may watch folders, separated by commas; ``/srv/calls=support`` is for the library of that slug, without a slug for administrators alone."""
    watch_buckets_file: Path | None = None
    """TOML file with the buckets that datasets may watch, and what opens them; see docs/folders.md. Unset: none."""

    # OpenAI's routes

    openai_keep: Literal["briefly", "always"] = "briefly"
    """Whether a recording sent to ``/v1/audio`` is deleted some time after its transcription, or stays as every upload does; a request may say otherwise."""
    openai_keep_minutes: float = Field(default=60.0, gt=0)
    """Time for which such a recording stays after its transcription, where it is kept briefly."""

    # Answers written by a language model

    chat_url: str | None = Field(default=None, pattern=HTTP_URL)
    """Address of an endpoint for chat completions in OpenAI's protocol, which answers questions and writes titles of chapters, as in ``http://127.0.0.1:11434/v1``; unset: none, and nothing of a recording is sent anywhere."""
    chat_key: SecretStr | None = None
    """Key of that endpoint, where it wants one."""
    chat_model: str | None = Field(default=None, min_length=1)
    """Model that the endpoint is asked for, by the name that it has there."""
    chat_timeout_seconds: float = Field(default=180.0, gt=0)
    """Time an answer of that endpoint may take in all."""
    chat_silence_seconds: float = Field(default=60.0, gt=0)
    """Time for which the endpoint may send nothing before it is given up, before its first word too."""
    chat_max_tokens: int = Field(default=1000, ge=50, le=32_000)
    """Most tokens of one answer."""

    # The worker

    worker_queues: Annotated[tuple[Queue, ...], NoDecode] = Field(default=("cpu", "gpu"), min_length=1)
    """Queues this machine's worker serves, separated by commas."""
    worker_concurrency: int = Field(default=1, ge=1, le=64)
    """Stages one worker runs at the same time, each in a process of its own."""
    worker_heartbeat_seconds: float = Field(default=5.0, gt=0)
    """Time between two heartbeats of a worker."""
    worker_stalled_seconds: float = Field(default=30.0, gt=0)
    """Silence after which a worker is taken for dead and its work is handed on."""
    worker_poll_seconds: float = Field(default=1.0, gt=0)
    """Time after which a worker looks for jobs that it was not told of."""
    worker_grace_seconds: float = Field(default=5.0, gt=0)
    """Time a running stage gets to reach its next checkpoint when the worker is asked to stop."""
    stage_max_attempts: int = Field(default=4, ge=1)
    """Failures of a stage after which the run fails.

    Outages are counted apart, and so are lost workers: eight times as many are allowed.
    """
    stage_retry_base_seconds: float = Field(default=5.0, ge=0)
    """Wait before the second try of a stage; doubles with each further one."""

    # Decoding

    decoded_max_gb: float = Field(default=20.0, gt=0)
    """Decoded audio that may lie on the disk for recordings under way, in GB of 1,073,741,824 bytes; none is decoded beyond."""
    decode_timeout_seconds: float = Field(default=3600.0, gt=0)
    """Time the decoding of one file may take."""
    decode_memory_mb: int = Field(default=1024, ge=128)
    """Memory the decoding process may use."""
    max_duration_seconds: float = Field(default=43_200.0 + 120.0, gt=0)
    """Longest recording accepted."""

    # Engines

    transcriber: Literal["faster-whisper", "onnx-asr", "whisperx", "openai", "fake"] = "faster-whisper"
    """Engine that turns speech into text; ``onnx-asr`` runs Parakeet and Canary, ``whisperx`` needs the extra of that name, ``openai`` sends it to an endpoint that speaks OpenAI's protocol."""
    transcriber_model: str = "base"
    """Model name known to the engine (``base``, ``small``, ``large-v3`` …), a folder with a converted model, or ``auto``: chosen for this machine, other engines included."""
    transcriber_device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Device the transcriber computes on."""
    transcriber_compute_type: str = "int8"
    """Number format the transcriber computes in; for ``onnx-asr``, ``int8`` or ``float32``."""
    transcriber_batch_size: int = Field(default=8, ge=1, le=64)
    """Windows decoded at once; 4 saves about a third of the memory. Halved by itself where a GPU's is too small."""
    transcriber_threads: int = Field(default=2, ge=1)
    """Threads one transcription uses."""
    transcribers_offered: Annotated[tuple[str, ...], NoDecode] = ()
    """Other engines and models that a dataset or an upload may ask for, as ``engine/model`` or ``engine``, separated by commas."""
    transcribers_max_loaded: int = Field(default=1, ge=1)
    """Transcribers one process keeps in memory; idle ones make room for the next."""
    onnx_asr_model: str = "parakeet-tdt-0.6b-v3"
    """Model of ``onnx-asr``: ``parakeet-tdt-0.6b-v3``, ``parakeet-tdt-0.6b-v2``, ``canary-1b-v2`` or a folder with one in ONNX form."""
    whisperx_model: str = "large-v3"
    """Model of WhisperX: a name as of ``transcriber_model``, or a folder with a converted model."""
    whisperx_compute_type: str = "default"
    """Number format WhisperX computes in; ``default`` is float16 on a GPU."""
    whisperx_batch_size: int = Field(default=16, ge=1, le=256)
    """Windows WhisperX decodes at once; halved by itself where the GPU's memory is too small."""
    gpu_device: Literal["cuda", "cpu"] = "cuda"
    """Device WhisperX and pyannote compute on."""
    gpu_index: int = Field(default=0, ge=0)
    """Number of the GPU, where there are several."""
    openai_base_url: str | None = Field(default=None, pattern=HTTP_URL)
    """Address of the endpoint of ``openai``, as in ``http://localhost:8000/v1``."""
    openai_api_key: SecretStr | None = None
    """Key of the endpoint, where it wants one."""
    openai_model: str = "whisper-1"
    """Model that the endpoint is asked for."""
    openai_timeout_seconds: float = Field(default=900.0, gt=0)
    """Time the endpoint may take to answer about a piece of up to ten minutes."""
    language: str | None = Field(default=None, pattern=LANGUAGE)
    """ISO 639-1 code of the language spoken, where it is always the same; unset detects it."""
    entity_tagger: Literal["spacy", "gliner", "fake"] = "spacy"
    """Engine that finds people, organizations, places and products; ``gliner`` needs the extra of that name."""
    entity_tagger_model: str = "urchade/gliner_medium-v2.1"
    """Model of GLiNER: its name on the public hub, or a folder with one."""
    entity_tagger_device: Literal["cpu", "cuda"] = "cpu"
    """Device GLiNER computes on."""
    entity_languages: Annotated[tuple[str, ...], NoDecode] = ()
    """Languages whose spaCy model is fetched to tag them beside English, as in ``de,fr``; ``multi`` is one model for eight. Models on this machine are used without being named."""
    text_encoder: Literal["minilm", "e5", "e5-4bit", "fake"] = "minilm"
    """Engine that turns text into vectors for search by meaning; ``e5`` finds across languages, see docs/engines.md."""
    text_encoder_threads: int = Field(default=2, ge=1)
    """Threads that turning text into vectors uses."""
    diarizer: Literal["onnx", "pyannote", "fake"] = "onnx"
    """Engine that tells speakers apart; ``pyannote`` needs the extra ``whisperx``."""
    pyannote_model: str = "pyannote/speaker-diarization-community-1"
    """Pipeline of pyannote: its name on the public hub, or a folder with one."""
    diarizer_device: Literal["cpu", "cuda"] = "cpu"
    """Device the built-in diarizer computes on; ``cuda`` needs the package ``onnxruntime-gpu``, see docs/engines.md."""
    diarizer_threads: int = Field(default=2, ge=1)
    """Threads that telling speakers apart uses."""
    engines_load_ahead: bool = False
    """Load the transcriber and the diarizer when a worker starts, and start a decoder, so that the first recording does not wait for them; the engines still give their memory back after ``engine_idle_seconds``."""
    engine_idle_seconds: float = Field(default=600.0, ge=0)
    """Idle time after which an engine gives its memory back."""
    hub_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("ECHOIC_HUB_TOKEN", "HF_TOKEN"))
    """Token of the public hub, for models that it gives only to accounts that have accepted their terms."""
    model_downloads: bool = True
    """Allow models that are not on this machine to be fetched, from ``models_url`` and the public hub."""
    models_url: str | None = Field(default=None, pattern=HTTP_URL)
    """Address of a folder with models of your own, which is asked before the public hub: ``NAME/SHA256SUMS`` and the files it lists."""
    _chosen_because: str | None = PrivateAttr(default=None)

    @field_validator(
        *("worker_queues", "fetch_allowed_networks", "transcribers_offered", "oidc_scopes", "oidc_allowed_domains"),
        *("oidc_group_roles", "proxy_networks", "entity_languages", "cors_origins", "oauth_redirect_hosts"),
        "watch_roots",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _hears_heartbeats(self) -> Self:
        if self.worker_stalled_seconds <= self.worker_heartbeat_seconds:
            raise ValueError("ECHOIC_WORKER_STALLED_SECONDS must be more than ECHOIC_WORKER_HEARTBEAT_SECONDS")
        return self

    @property
    def transcriber_chosen_because(self) -> str | None:
        """The reason for which the transcriber was chosen for this machine; None where the settings name it."""
        return self._chosen_because

    def chosen(self, reason: str, **settings: object) -> Self:
        """Return settings in which the transcriber was chosen for this machine."""
        changed = self.model_copy(update=settings)
        changed._chosen_because = reason  # noqa: SLF001 -- a copy of our own
        return changed

    @property
    def direct_database_url(self) -> str | None:
        """URL of the external database past the pool that ``database_url`` leads through; None where there is no pool."""
        return None if self.database_direct_url is None else self.database_direct_url.get_secret_value()

    @property
    def blobs_dir(self) -> Path:
        """Folder of the audio when it is kept on this machine."""
        return self.data_dir / "blobs"

    @property
    def postgres_dir(self) -> Path:
        """Folder of the embedded PostgreSQL: cluster, socket, log."""
        return self.data_dir / "postgres"

    @property
    def models_cache_dir(self) -> Path:
        """Folder in which joined or downloaded model weights are kept."""
        return self.models_dir or self.data_dir / "models"

    @property
    def api_key_file(self) -> Path:
        """File, readable by its owner alone, with the key made at first start."""
        return self.data_dir / "api-key"

    @property
    def address_file(self) -> Path:
        """File with the URL of the server that was started last on this folder."""
        return self.data_dir / "address"


def read_settings() -> Settings:
    """Return the settings of this process. Raises SettingInvalid: each variable that is wrong, and what is allowed.

    The values are not repeated: some are secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingInvalid(" ".join(map(_told, error.errors(include_input=False)))) from error
    except OSError as error:
        raise SettingInvalid(f"The file .env in the working directory cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingInvalid("The file .env in the working directory cannot be read: it is not UTF-8.") from error


def _told(wrong: ErrorDetails) -> str:
    message = wording.sentence(wrong, PATTERNS)
    if not wrong["loc"]:
        return f"{message}."
    name = str(wrong["loc"][0])  # that of the field, or the variable where a field is read from several
    return f"{f'{PREFIX}{name.upper()}' if name in Settings.model_fields else name}: {message}."
