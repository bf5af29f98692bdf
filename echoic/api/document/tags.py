"""The groups of the API's operations, in the order in which a reader meets them."""

from typing import Any

TAGS: tuple[tuple[str, str], ...] = (
    ("items", "Recordings: uploaded, listed, followed, changed and removed."),
    ("deletions", "Receipts of what was deleted (docs/privacy.md)."),
    ("uploads", "Uploads that go on where they broke off, by the protocol tus 1.0.0 (docs/uploads.md)."),
    ("transcripts", "What is said, in one format or several."),
    ("openai", "The audio routes that OpenAI's clients call (docs/openai.md); errors are in OpenAI's shape."),
    ("search", "What was said, over everything that the caller may read (docs/search.md)."),
    ("audio", "The recordings themselves, and the outlines from which waveforms are drawn."),
    ("shares", "Links by which people without an account read and hear parts of recordings (docs/sharing.md)."),
    ("events", "Progress as it happens: streams of server-sent events."),
    ("corrections", "What people change in a transcript, and its versions (docs/transcripts.md)."),
    ("speakers", "Who speaks in a recording, and whom a library knows by name and voice (docs/speakers.md)."),
    ("entities", "People, organizations, places and products that are named."),
    ("datasets", "Groups of recordings with the same settings, and the vocabulary learned from corrections."),
    ("feeds", "Podcasts that a dataset follows by their feed (docs/feeds.md)."),
    ("sources", "Folders and buckets whose recordings a dataset takes in by itself (docs/folders.md)."),
    ("libraries", "Workspaces that hold datasets, with members and a slug."),
    ("members", "Accounts in a library, and their roles (docs/access.md)."),
    ("invitations", "Links by which others join a library or get an account."),
    ("keys", "API keys of your account."),
    ("account", "Your own account: its plan and the use that it has made of it (docs/plans.md)."),
    ("notifications", "Alerts: saved queries that speak up where something new matches (docs/webhooks.md)."),
    ("webhooks", "Addresses that are told what happens (docs/webhooks.md)."),
    ("sign-in", "Sessions of browsers: how they begin and end (docs/accounts.md)."),
    ("sessions", "Sessions of your account that are open."),
    ("authorizations", "What a program asks of your account, and your consent (docs/oauth.md)."),
    ("connected-programs", "Programs that act for your account by OAuth (docs/oauth.md)."),
    ("accounts", "All accounts of the installation; for administrators."),
    ("administration", "The state of the installation: workers, stages, failures, storage; for administrators."),
    ("queue", "The work that waits."),
    ("health", "Whether the server answers, and how it is confined; for balancers and monitors."),
    ("metrics", "Figures for Prometheus."),
    ("aliases", "Older names of the same things; new clients use the others."),
)


def described_tags() -> list[dict[str, Any]]:
    """The groups as the document lists them."""
    return [{"name": name, "description": text} for name, text in TAGS]
