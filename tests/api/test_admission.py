"""The order in which an upload is checked: of all that is wrong with one, the first in the order is the answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.units import MB
from tests.api.tus import VERSION, creation
from tests.api.uploading import AUDIO
from tests.factories import Tenant, World

HEAD = {
    "dataset": "dataset_not_found",
    "length": "file_too_large",
    "minutes": "quota_exhausted",
    "room": "storage_exhausted",
}
NAME = {"name": "format_not_allowed"}
FIELDS = {"title": "metadata_required", "model": "transcriber_not_offered"}
BYTES = {"bytes": "duplicate_item"}


@dataclass
class Wrong:
    """An upload with everything wrong that is named in ``faults``."""

    tenant: Tenant
    faults: set[str] = field(default_factory=set)

    @property
    def plan(self) -> str:
        return "nothing" if "minutes" in self.faults else "no-room" if "room" in self.faults else "unlimited"

    @property
    def file_name(self) -> str:
        return "talk.exe" if "name" in self.faults else "talk.flac"

    @property
    def content(self) -> bytes:
        return AUDIO if "bytes" in self.faults else AUDIO + b"\0"

    @property
    def fields(self) -> dict[str, str]:
        said = {"sha256": hashlib.sha256(self.content).hexdigest()}
        if "title" not in self.faults:
            said |= {"title": "Talk", "description": "1961"}
        return said | ({"model": "none"} if "model" in self.faults else {})

    def url(self, ending: str) -> str:
        dataset_id = 999 if "dataset" in self.faults else self.tenant.dataset_id
        return f"http://echoic.test/api/datasets/{dataset_id}/{ending}?on_duplicate=reject"

    def by_form(self) -> httpx.Request:
        content = bytes(4 * MB) if "length" in self.faults else self.content
        # The fields stand before the file, so its bytes can be known before they are read.
        files = {"audio": (self.file_name, content)}
        return httpx.Request("POST", self.url("items"), headers=self.tenant.headers, data=self.fields, files=files)

    def by_url(self) -> httpx.Request:
        asked = {"audio_url": f"https://127.0.0.1/{self.file_name}", **self.fields}
        if "length" in self.faults:
            asked["more"] = "m" * MB
        return httpx.Request("POST", self.url("items"), headers=self.tenant.headers, json=asked)

    def by_tus(self) -> httpx.Request:
        size = 4 * MB if "length" in self.faults else len(self.content)
        headers = {**self.tenant.headers, **VERSION, **creation(size, {"filename": self.file_name, **self.fields})}
        return httpx.Request("POST", self.url("uploads"), headers=headers)


WAYS: dict[str, tuple[Callable[[Wrong], httpx.Request], dict[str, str], int]] = {
    "a form, whose fields may follow its file": (Wrong.by_form, HEAD | NAME | BYTES | FIELDS, 200),
    "a URL": (Wrong.by_url, HEAD | {"length": "request_too_large"} | NAME | FIELDS | BYTES, 422),
    "a resumable upload": (Wrong.by_tus, HEAD | NAME | FIELDS | BYTES, 201),
}


@pytest.mark.parametrize("way", WAYS)
async def test_of_all_that_is_wrong_with_an_upload_the_first_in_the_order_is_answered(
    client: httpx.AsyncClient, world: World, components: Components, way: str
) -> None:
    request, order, status = WAYS[way]
    tenant = await world.tenant(require_metadata=True, max_file_size_mb=1)
    taken = await client.send(Wrong(tenant, {"bytes"}).by_form())
    assert taken.status_code == 200, taken.text
    upload = Wrong(tenant, set(order))
    answers = {}
    for fault in order:
        async with components.database.transaction() as session:
            (await accounts.get_account(session, tenant.account_id)).plan = upload.plan
        answers[fault] = (await client.send(request(upload))).json()["code"]
        upload.faults.remove(fault)
    assert list(answers.items()) == list(order.items())
    assert (await client.send(request(upload))).status_code == status
