"""The upload in one request: a form, or a URL to fetch, becomes stored bytes and metadata; ``accept`` does the rest."""

from functools import partial

from echoic.intake.accept import Accepted, Acceptor, Committing
from echoic.intake.body import Body, Sink
from echoic.intake.egress import Egress
from echoic.intake.fetch import fetch
from echoic.intake.fields import form_metadata, parse_sha256, parse_url_request
from echoic.intake.file_names import judge_extension
from echoic.intake.idempotency import Claim, content_of
from echoic.intake.multipart import FilePart, read_form
from echoic.intake.run_options import judge_transcriber
from echoic.intake.target import UploadTarget, require_metadata
from echoic.settings import Settings
from echoic.storage.blobs import Blobs

FETCHED_MESSAGE = "Audio fetched from URL and queued for transcription"


class Receiver:
    """Takes uploads in."""

    def __init__(self, settings: Settings, *, blobs: Blobs, acceptor: Acceptor, egress: Egress) -> None:
        self._settings = settings
        self._blobs = blobs
        self._acceptor = acceptor
        self._egress = egress

    async def receive_form(
        self,
        target: UploadTarget,
        body: Body,
        content_type: str,
        *,
        reject_duplicate: bool = False,
        claim: Claim | None = None,
    ) -> Accepted:
        """Take a multipart form in; the answer is kept with the claim.

        Raises what ``read_form``, the judges of its parts, ``accept`` and ``answer`` raise.
        """
        async with self._blobs.stage() as staged:

            async def open_sink(part: FilePart) -> Sink:
                judge_extension(part.file_name, target.allowed_formats)
                said = parse_sha256(part.fields_before.get("sha256"))
                if reject_duplicate:
                    await self._acceptor.judge_known(target, said)
                return staged

            form = await read_form(body, content_type, cap=target.cap, open_sink=open_sink)
            metadata = form_metadata(form.file.file_name, form.fields)
            sha256 = parse_sha256(form.fields.get("sha256"))
            require_metadata(target, metadata)
            judge_transcriber(self._settings, metadata.options)
            stored = await staged.finish()
        return await self._acceptor.accept(
            target,
            stored,
            metadata,
            sha256=sha256,
            reject_duplicate=reject_duplicate,
            committing=_answering(claim, content_of(metadata, stored.sha256)),
        )

    async def receive_url(
        self, target: UploadTarget, body: Body, *, reject_duplicate: bool = False, claim: Claim | None = None
    ) -> Accepted:
        """Fetch the URL that a JSON body names; the answer is kept with the claim.

        Raises what ``parse_url_request``, ``fetch``, ``accept`` and ``answer`` raise.
        """
        request = parse_url_request(await body.read())
        judge_extension(request.url.file_name, target.allowed_formats)
        require_metadata(target, request.metadata)
        judge_transcriber(self._settings, request.metadata.options)
        if reject_duplicate:
            await self._acceptor.judge_known(target, request.sha256)
        async with self._blobs.stage() as staged:
            await fetch(
                request.url,
                staged,
                cap=target.cap,
                timeout_seconds=self._settings.fetch_timeout_seconds,
                egress=self._egress,
            )
            stored = await staged.finish()
        return await self._acceptor.accept(
            target,
            stored,
            request.metadata,
            FETCHED_MESSAGE,
            sha256=request.sha256,
            reject_duplicate=reject_duplicate,
            committing=_answering(claim, content_of(request.metadata, request.sha256)),
        )


def _answering(claim: Claim | None, content: str) -> Committing | None:
    return None if claim is None else partial(claim.answer, content=content)
