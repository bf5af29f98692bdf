"""The event of a feed that keeps failing, or is gone: told once to the webhooks that want it."""

import json
import ssl

import httpx

from echoic.compose import Components
from tests.api.feed_site import FeedSite, Follower, Page
from tests.factories import World
from tests.sites import SiteMaker


async def test_a_feed_that_keeps_failing_or_is_gone_is_told_to_webhooks_once(
    client: httpx.AsyncClient, components: Components, world: World, make_site: SiteMaker, trusting: ssl.SSLContext
) -> None:
    site = await FeedSite().open(make_site)
    follower = Follower.of(client, components, await world.tenant(), site, trusting)
    hook = {"url": "https://hooks.example/", "events": ["feed.failed"]}
    place = f"/api/webhooks/{(await follower.ask('POST', '/api/webhooks', json=hook)).json()['id']}/deliveries"
    following = await follower.follow("/missing.xml")
    for failed in range(1, 8):
        assert (await follower.poll(following))["failed_in_a_row"] == failed
        told = (await follower.ask("GET", place)).json()
        assert told["total"] == (failed >= 5)
    site.pages["/gone.xml"] = Page(status="410 Gone")
    gone = await follower.follow("/gone.xml")
    assert (await follower.poll(gone))["state"] == "ended"
    data = []
    for listed in (await follower.ask("GET", place)).json()["deliveries"]:
        body = (await follower.ask("GET", f"{place}/{listed['id']}")).json()["body"]
        assert json.loads(body)["type"] == "feed.failed"
        data.append(json.loads(body)["data"])
    assert [(each["dataset_id"], each["error"]["code"]) for each in data] == [
        (gone, "feed_gone"),
        (following, "url_status_unusable"),
    ]
