"""One request for a transcription: its form becomes a held request, its fields what is asked of the run."""

import hashlib
from dataclasses import asdict
from typing import Any

from starlette.requests import Request

from echoic.access import Caller
from echoic.compose import Components
from echoic.db.catalog import datasets
from echoic.errors import DatasetNotFound
from echoic.intake.accept import Wanted
from echoic.intake.admission import Admission
from echoic.intake.body import Body
from echoic.intake.fields import FileMetadata
from echoic.intake.held_requests import Begun, HeldHead, HeldRequest
from echoic.openai_api.fields import Asked, identity_of, read_fields
from echoic.openai_api.form import REFERENCES_BYTES, read_speech_form
from echoic.openai_api.known_speakers import clip_bytes, known_voices
from echoic.openai_api.models import ChosenModel, choose_model
from echoic.pipeline.stage import WITHOUT_STAGES
from echoic.records import Task
from echoic.storage.blobs import StagedBlob

SECONDS_PER_MINUTE = 60.0
FOR_SPEAKERS = ("diarize", "attribute", "identify")
FOR_SEARCH = ("entities", "embed", "index")
"""What the work on a recording that is kept briefly goes without, with those for speakers unless they are asked for."""


class SpeechRequest:
    """A request on its way to a run."""

    asked: Asked
    """The wishes, once the form was read. The same for ``model``."""
    model: ChosenModel

    def __init__(self, components: Components, caller: Caller, *, task: Task, keep: bool | None) -> None:
        self.size_bytes = 0
        self._components = components
        self._caller = caller
        self._task = task
        settings = components.settings
        is_kept = settings.openai_keep == "always" if keep is None else keep
        self._keep_seconds = None if is_kept else settings.openai_keep_minutes * SECONDS_PER_MINUTE
        self._content_type = ""

    async def begin(self, request: Request, dataset_id: int | None) -> Begun:
        """Take the request in. Raises what ``HeldRequests.begin`` raises, and FieldInvalid."""
        self._content_type = request.headers.get("content-type", "")
        head = HeldHead(
            content_type=self._content_type,
            content_length=request.headers.get("content-length"),
            content_digest=", ".join(request.headers.getlist("content-digest")),
            further_bytes=REFERENCES_BYTES,
        )
        if dataset_id is None:
            dataset_id = await self._first_dataset()
        return await self._components.intake.held_requests.begin(
            self._caller, dataset_id, head, request.receive, self._read
        )

    async def _first_dataset(self) -> int:
        async with self._components.database.transaction() as session:
            found = await datasets.first_own_dataset(session, self._caller.account_id)
        if found is None:
            raise DatasetNotFound("Your account has no dataset of its own; name one in the query, as ?dataset=5.")
        return found

    async def _read(self, body: Body, admission: Admission, staged: StagedBlob) -> HeldRequest:
        form = await read_speech_form(body, self._content_type, cap=admission.cap, sink=staged)
        self.size_bytes = staged.size_bytes
        self.asked = asked = read_fields(form, self._task)
        self.model = choose_model(self._components.settings, asked.model)
        options = {**asked.options, **self.model.options}
        if self._task == "translate":
            self._components.intake.admissions.check_translation(admission, options)
        of_run: dict[str, Any] = {} if self._keep_seconds is None else {WITHOUT_STAGES: self._without_stages()}
        voices: list[str] = []
        if asked.speaker_names and asked.tells_speakers:
            pairs = zip(asked.references, asked.speaker_names, strict=True)
            clips = [clip_bytes(reference, name) for reference, name in pairs]
            voices = [hashlib.sha256(clip).hexdigest() for clip in clips]
            known = await known_voices(self._components, asked.speaker_names, clips)
            of_run["known_voices"] = [asdict(voice) for voice in known]
        return HeldRequest(
            metadata=FileMetadata(file_name=form.file_name or "", title=None, description=None, options=options),
            wanted=Wanted(options=of_run, keep_seconds=self._keep_seconds),
            identity={**identity_of(asked, self.model.options, voices), "keep_seconds": self._keep_seconds},
        )

    def _without_stages(self) -> list[str]:
        if not self.asked.tells_speakers:
            return [*FOR_SPEAKERS, *FOR_SEARCH]
        return list(FOR_SEARCH) if self.asked.speaker_names else ["identify", *FOR_SEARCH]
