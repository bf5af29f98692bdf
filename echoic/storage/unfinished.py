"""Multipart uploads that killed processes left in a bucket of S3: listed, and given up where they are old.

obstore cannot list them, so these two calls are made here, signed as AWS describes (Signature Version 4 in the query,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). Address, key and region are those of a URL that
obstore signs; the secret is in the same variable that it reads. Credentials of other kinds are not known here: such a bucket
needs the usual lifecycle rule.
"""

import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit
from xml.parsers import expat

import httpx

from echoic.errors import StorageUnavailable
from echoic.logs import get_logger

log = get_logger(__name__)

MIN_AGE_SECONDS = 86_400.0
"""No request writes for so long; one that does writes to a bucket as long as its parts are kept."""
ANSWER_SECONDS = 30.0
SIGNED_SECONDS = 60
SERVICE, TERMINATOR, ALGORITHM = "s3", "aws4_request", "AWS4-HMAC-SHA256"
MAX_PAGES = 1_000
"""Of 1,000 uploads each; whatever is beyond is found the next time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """Signs requests for one bucket."""

    bucket_url: str
    key_id: str
    secret: str
    region: str
    token: str | None

    @classmethod
    def like(cls, signed_url: str, path: str, environment: Mapping[str, str] = os.environ) -> "Signer | None":
        """Return what signs as the URL was signed, which leads to ``path`` in the bucket; None where the secret is unknown."""
        parts = urlsplit(signed_url)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        key_id, _, scope = given.get("X-Amz-Credential", "").partition("/")
        secret = environment.get("AWS_SECRET_ACCESS_KEY")
        if not secret or key_id != environment.get("AWS_ACCESS_KEY_ID") or not parts.path.endswith(f"/{path}"):
            return None
        return cls(
            bucket_url=f"{parts.scheme}://{parts.netloc}{parts.path[: -len(path)]}",
            key_id=key_id,
            secret=secret,
            region=scope.split("/")[1],
            token=given.get("X-Amz-Security-Token"),
        )

    def url(self, method: str, path: str, query: Mapping[str, str]) -> str:
        """Return an address that is good for a minute, for one method."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{self.region}/{SERVICE}/{TERMINATOR}"
        asked = {
            **query,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.key_id}/{scope}",
            "X-Amz-Date": now,
            "X-Amz-Expires": str(SIGNED_SECONDS),
            "X-Amz-SignedHeaders": "host",
            **({"X-Amz-Security-Token": self.token} if self.token else {}),
        }
        line = "&".join(f"{quote(name, safe='-_.~')}={quote(asked[name], safe='-_.~')}" for name in sorted(asked))
        parts = urlsplit(self.bucket_url + path)
        request = f"{method}\n{parts.path}\n{line}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        text = f"{ALGORITHM}\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self.secret}".encode()
        for step in (now[:8], self.region, SERVICE, TERMINATOR):
            key = hmac.digest(key, step.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        return f"{self.bucket_url}{path}?{line}&X-Amz-Signature={signature}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """A multipart upload that is neither complete nor given up."""

    key: str
    upload_id: str
    begun_at: datetime


async def list_unfinished(signer: Signer, prefix: str) -> AsyncIterator[Unfinished]:
    """Every multipart upload of keys with this beginning; none where the store does not list them. Raises StorageUnavailable."""
    query = {"uploads": "", "prefix": prefix}
    for _ in range(MAX_PAGES):
        answer = await _asked(signer, "GET", "", query)
        if answer.is_client_error or answer.status_code == httpx.codes.NOT_IMPLEMENTED:
            # The right to list them is one of its own, and not every store knows them.
            log.warning("unfinished_uploads_not_listed", status=answer.status_code)
            return
        page = _Page.read(_content_of(answer))
        for found in page.uploads:
            yield found
        if page.texts.get("IsTruncated") != "true":
            return
        query |= {"key-marker": page.texts["NextKeyMarker"], "upload-id-marker": page.texts["NextUploadIdMarker"]}


async def give_up(signer: Signer, upload: Unfinished) -> None:
    """Drop the parts of an upload; one that is not there is fine. Raises StorageUnavailable."""
    answer = await _asked(signer, "DELETE", quote(upload.key), {"uploadId": upload.upload_id})
    if answer.status_code != httpx.codes.NOT_FOUND:
        _content_of(answer)


async def _asked(signer: Signer, method: str, path: str, query: Mapping[str, str]) -> httpx.Response:
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            return await client.request(method, signer.url(method, path, query))
    except httpx.HTTPError as error:
        raise StorageUnavailable from error


def _content_of(answer: httpx.Response) -> bytes:
    try:
        return answer.raise_for_status().content
    except httpx.HTTPStatusError as error:
        raise StorageUnavailable from error


@dataclass
class _Page:
    """A page of the list: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html."""

    uploads: list[Unfinished] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    _upload: dict[str, str] | None = None
    _text: str = ""

    @classmethod
    def read(cls, content: bytes) -> "_Page":
        """Read it. Raises StorageUnavailable where it is something else."""
        page = cls()
        parser = expat.ParserCreate()
        parser.StartElementHandler = page.begin
        parser.EndElementHandler = page.end
        parser.CharacterDataHandler = page.say
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, KeyError, ValueError) as error:
            raise StorageUnavailable from error
        return page

    def begin(self, name: str, _: dict[str, str]) -> None:
        self._text = ""
        if name == "Upload":
            self._upload = {}

    def say(self, text: str) -> None:
        self._text += text

    def end(self, name: str) -> None:
        if name == "Upload" and self._upload is not None:
            found, self._upload = self._upload, None
            self.uploads.append(
                Unfinished(
                    key=found["Key"],
                    upload_id=found["UploadId"],
                    begun_at=datetime.fromisoformat(found["Initiated"]),
                )
            )
        elif self._upload is not None:
            self._upload[name] = self._text
        else:
            self.texts[name] = self._text
