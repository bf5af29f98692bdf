"""Use a client that openapi-python-client made: upload, poll, read, search, listen, resume and follow; prints what came.

python use_python.py BASE_URL KEY RECORDING, where the generated package `echoic_client` can be imported.
"""

import base64
import io
import json
import sys
import time
from pathlib import Path

from echoic_client import AuthenticatedClient
from echoic_client.api.audio import get_audio
from echoic_client.api.events import stream_item_events
from echoic_client.api.items import get_item, upload_audio
from echoic_client.api.search import search
from echoic_client.api.transcripts import get_transcript
from echoic_client.api.uploads import append_to_upload, create_upload, get_upload_offset
from echoic_client.models import (
    AcceptedBody,
    EndEvent,
    ItemDetails,
    ItemStatus,
    Problem,
    SearchAnswer,
    SearchBody,
    SearchType,
    StageEvent,
    TranscriptBody,
    TusVersion,
    UploadForm,
)
from echoic_client.types import File

DATASET = 1
PATIENCE_SECONDS = 60
HALF = 100_000


def upload(client: AuthenticatedClient, recording: Path) -> int:
    """Upload the recording in one request."""
    with recording.open("rb") as file:
        form = UploadForm(audio=File(payload=file, file_name=recording.name), title="By Python")
        accepted = upload_audio.sync(DATASET, client=client, body=form)
    assert isinstance(accepted, AcceptedBody), accepted
    return int(accepted.item_id)


def wait(client: AuthenticatedClient, item_id: int) -> ItemDetails:
    """Poll until the item is published."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        item = get_item.sync(item_id, client=client)
        assert isinstance(item, ItemDetails), item
        if item.status not in (ItemStatus.QUEUED, ItemStatus.PROCESSING):
            assert item.status is ItemStatus.PUBLISHED, item
            return item
        time.sleep(0.2)
    raise SystemExit("the item was not published in time")


def resume(client: AuthenticatedClient, recording: Path) -> int:
    """Upload the recording in two pieces by tus."""
    bytes_ = recording.read_bytes()
    name = base64.b64encode(recording.name.encode()).decode()
    version = TusVersion.VALUE_0
    begun = create_upload.sync_detailed(
        DATASET,
        client=client,
        body=File(payload=io.BytesIO(bytes_[:HALF])),
        upload_metadata=f"filename {name}",
        upload_length=str(len(bytes_)),
        tus_resumable=version,
    )
    upload_id = begun.headers["Location"].rpartition("/")[2]
    offset = get_upload_offset.sync_detailed(DATASET, upload_id, client=client, tus_resumable=version)
    ended = append_to_upload.sync_detailed(
        DATASET,
        upload_id,
        client=client,
        body=File(payload=io.BytesIO(bytes_[int(offset.headers["Upload-Offset"]) :])),
        upload_offset=offset.headers["Upload-Offset"],
        tus_resumable=version,
    )
    assert ended.status_code == 204, ended
    return int(ended.headers["Item-Id"])


def follow(client: AuthenticatedClient, item_id: int) -> list[str]:
    """Read the stream of an item to its end, and its data by the generated models."""
    answer = stream_item_events.sync_detailed(item_id, client=client)
    names = []
    for block in answer.content.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" not in lines:
            continue
        names.append(lines["event"])
        data = json.loads(lines["data"])
        if lines["event"] == "stage":
            StageEvent.from_dict(data)
        elif lines["event"] == "end":
            assert EndEvent.from_dict(data).status is ItemStatus.PUBLISHED
    return names


def main(base_url: str, key: str, recording: Path) -> None:
    """Go the whole way, and print what came."""
    client = AuthenticatedClient(base_url=base_url, token=key, timeout=PATIENCE_SECONDS)
    with client:
        item_id = upload(client, recording)
        item = wait(client, item_id)
        transcript = get_transcript.sync(item_id, client=client)
        assert isinstance(transcript, TranscriptBody), transcript
        word = transcript.segments[0].words[0].word.strip(" .,")
        found = search.sync(client=client, body=SearchBody(query=word, search_type=SearchType.TEXT))
        assert isinstance(found, SearchAnswer), found
        part = get_audio.sync_detailed(item_id, client=client, range_="bytes=0-99")
        absent = get_item.sync(2**40, client=client)
        assert isinstance(absent, Problem), absent
        resumed = resume(client, recording)
        wait(client, resumed)
        told = {
            "item_id": item_id,
            "title": item.title,
            "segments": len(transcript.segments),
            "found": [result.item_id for result in found.results],
            "range": [int(part.status_code), part.headers["Content-Range"], len(part.content)],
            "absent": absent.code,
            "resumed": resumed,
            "events": follow(client, resumed),
        }
    sys.stdout.write(json.dumps(told) + "\n")


main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
