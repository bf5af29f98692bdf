"""People who upload recordings in every way there is, and try again as docs/uploads.md says until each is accepted."""

import base64
import hashlib
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.cluster.cluster import Cluster
from bench.sender import wav_head

DATASET, ON_HOLD_DATASET = 1, 2
"""In the second one nothing is transcribed until it is asked for."""
KINDS = ("form", "url", "link", "tus", "draft", "batch")
Way = Callable[[str, bytes], int]
SMALL_BYTES, LARGE_BYTES = (20_000, 400_000), (8_500_000, 10_000_000)
LARGE_PART = 0.01
"""Of the uploads: these go into the bucket in parts."""
PIECE_BYTES = 150_000
BATCH_ITEMS = 2
ANSWER_SECONDS = 30.0
TRY_AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 240.0
"""An upload that is not accepted so long after everything was healed counts as stuck."""
TRY_AGAIN = frozenset({408, 423, 429, 500, 502, 503, 504})
TRY_AGAIN_CODES = frozenset({"idempotency_key_running", "busy", "content_damaged", "body_timed_out"})


class NotAccepted(Exception):
    """An upload that was refused for good; holds status and body."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One accepted upload."""

    kind: str
    item_id: int
    sha256: str
    seconds: float
    """From the first try until it was accepted."""


@dataclass
class Ledger:
    """What all clients sent, and how they were answered."""

    accepted: dict[str, Sent] = field(default_factory=dict)
    """By title."""
    accepted_at: list[float] = field(default_factory=list)
    failed_tries: list[tuple[float, str]] = field(default_factory=list)
    """When, and with what: a status, or the kind of a broken connection."""
    refused: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note_failure(self, what: str) -> None:
        with self.lock:
            self.failed_tries.append((time.monotonic(), what))

    def failures_between(self, begin: float, end: float) -> int:
        with self.lock:
            return sum(begin <= at <= end for at, _ in self.failed_tries)

    def first_accepted_after(self, moment: float) -> float | None:
        with self.lock:
            return min((at for at in self.accepted_at if at >= moment), default=None)


class Uploader:
    """One client, who uploads one recording after the other."""

    def __init__(
        self, cluster: Cluster, ledger: Ledger, chance: random.Random, name: str, pace: threading.Semaphore
    ) -> None:
        self._cluster, self._ledger, self._chance, self._name = cluster, ledger, chance, name
        self._client = cluster.client_of(cluster.base, timeout=ANSWER_SECONDS)
        self._stop = threading.Event()
        self._pace = pace
        self._stopped_at = 0.0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def stop(self) -> None:
        """End after the upload that is under way."""
        self._stopped_at = time.monotonic()
        self._stop.set()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            if not self._pace.acquire(timeout=0.5):
                continue
            kind = self._chance.choice(KINDS)
            title = f"{kind}-{self._name}-{number}"
            number += 1
            begun = time.monotonic()
            try:
                self._upload(kind, title, begun)
            except NotAccepted as refusal:
                with self._ledger.lock:
                    self._ledger.refused.append(f"{title}: {refusal}")

    def _upload(self, kind: str, title: str, begun: float) -> None:
        contents = [self._content() for _ in range(BATCH_ITEMS if kind == "batch" else 1)]
        titles = [title] if len(contents) == 1 else [f"{title}-{part}" for part in range(len(contents))]
        ways: dict[str, Way] = {
            "form": self._form,
            "url": self._url,
            "link": self._link,
            "tus": self._tus,
            "draft": self._draft,
        }
        ids = self._batch(titles, contents) if kind == "batch" else [ways[kind](title, contents[0])]
        with self._ledger.lock:
            for each, item_id, content in zip(titles, ids, contents, strict=True):
                digest = hashlib.sha256(content).hexdigest()
                seconds = time.monotonic() - begun
                self._ledger.accepted[each] = Sent(kind=kind, item_id=item_id, sha256=digest, seconds=seconds)
                self._ledger.accepted_at.append(time.monotonic())

    def _content(self) -> bytes:
        size = self._chance.randint(*(LARGE_BYTES if self._chance.random() < LARGE_PART else SMALL_BYTES)) // 4 * 4
        return wav_head(size) + self._chance.randbytes(size)

    def _form(self, title: str, content: bytes) -> int:
        return self._form_into(DATASET, title, content)

    def _form_into(self, dataset: int, title: str, content: bytes) -> int:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        files = {"audio": ("noise.wav", content)}
        path = f"/api/datasets/{dataset}/items"
        return item_of(self._until_answered("POST", path, headers=key, files=files, data={"title": title}))

    def _url(self, title: str, content: bytes) -> int:
        name = f"{uuid.uuid4().hex}.wav"
        body = {"audio_url": self._cluster.site.put(name, content), "title": title}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        try:
            answer = self._until_answered("POST", f"/api/datasets/{DATASET}/items", headers=key, json=body)
        finally:
            self._cluster.site.take_away(name)
        return item_of(answer)

    def _link(self, title: str, content: bytes) -> int:
        made = self._until_answered("POST", f"/api/datasets/{DATASET}/upload-links").json()
        path = made["url"].removeprefix(self._cluster.base)
        files = {"audio": ("noise.wav", content)}
        return item_of(self._until_answered("POST", path, files=files, data={"title": title}))

    def _batch(self, titles: list[str], contents: list[bytes]) -> list[int]:
        """Some items on hold, which are then transcribed by one request."""
        ids = [
            self._form_into(ON_HOLD_DATASET, title, content) for title, content in zip(titles, contents, strict=True)
        ]
        path = f"/api/datasets/{ON_HOLD_DATASET}/items/transcribe"
        left = set(ids)
        while left:
            answer = self._until_answered("POST", path, json={"items": sorted(left)}).json()
            started = {one["item_id"] for one in answer["refused"] if one["code"] in ("run_active", "run_not_active")}
            started |= {one["item_id"] for one in answer["refused"] if self._has_run(one["item_id"])}
            left -= set(answer["done"]) | started
        return ids

    def _has_run(self, item_id: int) -> bool:
        item = self._until_answered("GET", f"/api/items/{item_id}").json()
        return not item.get("on_hold") and item["status"] in ("queued", "processing", "published")

    def _tus(self, title: str, content: bytes) -> int:
        metadata = ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in _named(title))
        speaking = {"Tus-Resumable": "1.0.0"}
        creating = {**speaking, "Upload-Length": str(len(content)), "Upload-Metadata": metadata}
        place = self._begin(creating)
        appending = {**speaking, "Content-Type": "application/offset+octet-stream"}
        offset = 0
        while True:
            piece = content[offset : offset + PIECE_BYTES]
            headers = {**appending, "Upload-Offset": str(offset)}
            answer = self._try("PATCH", place, headers=headers, content=piece)
            if answer is None or answer.status_code != 204:
                self._require_unsure(answer)
                answer = self._until_answered("HEAD", place, headers=speaking)
            if "item-id" in answer.headers:
                return int(answer.headers["item-id"])
            offset = int(answer.headers["upload-offset"])

    def _draft(self, title: str, content: bytes) -> int:
        metadata = {"Upload-Metadata": f"title {base64.b64encode(title.encode()).decode()}"}
        name = {"Content-Disposition": 'inline; filename="noise.wav"'}
        place = self._begin({"Upload-Complete": "?0", **metadata, **name})
        offset = 0
        while True:
            piece = content[offset : offset + PIECE_BYTES]
            is_last = offset + len(piece) == len(content)
            headers = {
                "Content-Type": "application/partial-upload",
                "Upload-Offset": str(offset),
                "Upload-Complete": "?1" if is_last else "?0",
            }
            answer = self._try("PATCH", place, headers=headers, content=piece)
            if answer is not None and answer.status_code == 200:
                return item_of(answer)
            if answer is None or answer.status_code != 204:
                self._require_unsure(answer)
                answer = self._until_answered("HEAD", place, headers={})
            offset = int(answer.headers["upload-offset"])

    def _begin(self, headers: Mapping[str, str]) -> str:
        answer = self._until_answered("POST", f"/api/datasets/{DATASET}/uploads", headers=headers)
        return str(answer.headers["location"]).removeprefix(self._cluster.base)

    def _until_answered(self, method: str, path: str, **given: Any) -> httpx.Response:
        """An answer that says yes. Raises NotAccepted for one that says no for good, or where it takes too long."""
        while True:
            answer = self._try(method, path, **given)
            if answer is not None and answer.is_success:
                return answer
            self._require_unsure(answer)

    def _require_unsure(self, answer: httpx.Response | None) -> None:
        """Wait before another try. Raises NotAccepted."""
        if answer is not None and answer.status_code not in TRY_AGAIN and not self._may_pass(answer):
            raise NotAccepted(f"{answer.status_code} {answer.text[:300]}")
        if self._stop.is_set() and time.monotonic() > self._stopped_at + PATIENCE_SECONDS:
            last = "no answer" if answer is None else f"{answer.status_code} {answer.text[:300]}"
            raise NotAccepted(f"not accepted within {PATIENCE_SECONDS:.0f} s; at last {last}")
        waits = float(answer.headers.get("retry-after", TRY_AGAIN_SECONDS)) if answer is not None else TRY_AGAIN_SECONDS
        time.sleep(min(waits, 5.0))

    def _may_pass(self, answer: httpx.Response) -> bool:
        if answer.status_code == 409 and "upload-offset" in answer.headers:
            return True
        if answer.request.method == "PATCH" and answer.status_code in (409, 400):
            return True  # where the upload stands is asked next
        try:
            code = str(answer.json().get("code", answer.json().get("error", "")))
        except ValueError:
            return False
        return code in TRY_AGAIN_CODES or code.startswith("url_")

    def _try(self, method: str, path: str, **given: Any) -> httpx.Response | None:
        try:
            answer = self._client.request(method, path, **given)
        except httpx.TransportError as error:
            self._ledger.note_failure(type(error).__name__)
            return None
        if not answer.is_success:
            self._ledger.note_failure(str(answer.status_code))
            if answer.status_code not in (409, 423, 502, 503, 504):
                with self._ledger.lock:
                    self._ledger.unexpected[f"{method} {answer.status_code} {answer.text[:200]}"] += 1
        return answer


def item_of(answer: httpx.Response) -> int:
    """The id of the item that an answer names."""
    return int(answer.json()["item_id"])


def _named(title: str) -> tuple[tuple[str, str], ...]:
    return (("filename", "noise.wav"), ("title", title))
