"""The upload in one request: a form, or a URL to fetch, becomes stored bytes and metadata; ``accept`` does the rest."""

from contextlib import nullcontext
from dataclasses import dataclass

from echoic.access import Caller
from echoic.errors import UnsupportedRequestType
from echoic.intake.accept import Accepted, Acceptor
from echoic.intake.admission import Admission, Admissions, Head
from echoic.intake.body import Body, Cap, ContentDigest, Receive, Sink, declared_bytes, json_cap, media_type
from echoic.intake.egress import Egress
from echoic.intake.fetch import fetch
from echoic.intake.fields import form_metadata, parse_url_request
from echoic.intake.idempotency import FirstAnswer, compare_form, compare_url
from echoic.intake.multipart import FRAME_BYTES, FilePart, read_form
from echoic.settings import Settings
from echoic.storage.blobs import Blobs

FORM = "multipart/form-data"
JSON = "application/json"
FETCHED_MESSAGE = "Audio fetched from URL and queued for transcription"


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestHead(Head):
    """The headers of an upload in one request, as they came."""

    content_type: str
    content_length: str | None = None
    content_digest: str = ""

    @property
    def is_form(self) -> bool:
        """Return whether the body is a form; otherwise it is JSON with a URL."""
        return media_type(self.content_type) == FORM

    def check(self, cap: Cap) -> None:
        """Raise UnsupportedRequestType, the cap's error, RequestTooLarge for JSON, and FieldInvalid."""
        if media_type(self.content_type) not in (FORM, JSON):
            raise UnsupportedRequestType
        self._body_cap(cap).check(declared_bytes(self.content_length))
        ContentDigest.parse(self.content_digest)

    def file_bytes(self) -> int:
        """As much of a form as cannot be its frame; 1 where nothing is declared, as for a URL."""
        declared = declared_bytes(self.content_length) if self.is_form else None
        return max((declared or 0) - FRAME_BYTES, 1)

    def body(self, receive: Receive, cap: Cap, *, idle_timeout_seconds: float) -> Body:
        """Return the body to be read; ``cap`` holds for the file in it."""
        return Body(
            receive,
            cap=self._body_cap(cap),
            idle_timeout_seconds=idle_timeout_seconds,
            digest=ContentDigest.parse(self.content_digest),
        )

    def _body_cap(self, cap: Cap) -> Cap:
        return cap.widened(FRAME_BYTES) if self.is_form else json_cap()


class Receiver:
    """Takes in uploads that come in one request."""

    def __init__(
        self, settings: Settings, *, blobs: Blobs, admissions: Admissions, acceptor: Acceptor, egress: Egress
    ) -> None:
        self._settings = settings
        self._blobs = blobs
        self._admissions = admissions
        self._acceptor = acceptor
        self._egress = egress

    async def receive(self, caller: Caller, dataset_id: int, head: RequestHead, receive: Receive) -> Accepted:
        """Take in a form, or fetch the URL that a JSON body names; a repeated request is compared with the first.

        Raises what ``admit`` raises, before a byte of the body is read, and what ``read_form``, ``parse_url_request``,
        ``check``, ``fetch``, ``accept`` and the comparison raise.
        """
        admission = await self._admissions.admit(caller, dataset_id, head)
        body = head.body(receive, admission.cap, idle_timeout_seconds=self._settings.upload_idle_timeout_seconds)
        if isinstance(admission.held_key, FirstAnswer):
            return await _repeat(admission, admission.held_key, head, body)
        async with admission.held_key or nullcontext():
            if head.is_form:
                return await self._receive_form(admission, body, head.content_type)
            return await self._receive_url(admission, body)

    async def _receive_form(self, admission: Admission, body: Body, content_type: str) -> Accepted:
        async with self._blobs.stage() as staged:

            async def open_sink(part: FilePart) -> Sink:
                await self._admissions.check_file(admission, part)
                return staged

            form = await read_form(body, content_type, cap=admission.cap, open_sink=open_sink)
            metadata = form_metadata(form.file.file_name, form.fields)
            self._admissions.check_fields(admission, metadata)
            stored = await staged.finish()
        return await self._acceptor.accept(admission, stored, metadata)

    async def _receive_url(self, admission: Admission, body: Body) -> Accepted:
        request = parse_url_request(await body.read())
        await self._admissions.check(admission, request.metadata)
        async with self._blobs.stage() as staged:
            await fetch(
                request.url,
                staged,
                cap=admission.cap,
                timeout_seconds=self._settings.fetch_timeout_seconds,
                egress=self._egress,
            )
            stored = await staged.finish()
        return await self._acceptor.accept(admission, stored, request.metadata, FETCHED_MESSAGE)


async def _repeat(admission: Admission, first: FirstAnswer, head: RequestHead, body: Body) -> Accepted:
    if head.is_form:
        metadata = await compare_form(first, body, head.content_type, cap=admission.cap)
    else:
        metadata = await compare_url(first, body)
    return Accepted(
        item_id=first.item_id, size_bytes=0, message=first.message, notices=metadata.notices, is_repeated=True
    )
