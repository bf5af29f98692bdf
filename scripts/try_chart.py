"""Check the Helm chart by Helm's own library: linted, rendered with values of several kinds, each object by Kubernetes' schemas.

No container may get a variable twice, and what would not work is refused.

    .venv/deploy/bin/python scripts/try_chart.py

It runs in the environment that scripts/try_compose makes, and asks no cluster.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml

CHART = str(Path(__file__).parents[1] / "deploy" / "helm" / "echoic")
KUBERNETES = "1.37"
WARNING = 2
DATABASE = {"DATABASE_URL": "postgresql://echoic:secret@postgres/echoic"}
SECRET: dict[str, Any] = {"secret": {"values": DATABASE}}
GPU = {"name": "gpu", "queues": ["gpu"], "image": "echoic:gpu", "settings": {"ECHOIC_TRANSCRIBER_DEVICE": "cuda"}}
GOOD: dict[str, dict[str, Any]] = {
    "least": SECRET,
    "most": {
        **SECRET,
        "imagePullSecrets": [{"name": "registry"}],
        "settings": {"ECHOIC_PUBLIC_URL": "https://audio.example.org", "ECHOIC_MAX_CONNECTIONS": 500},
        "trustedProxies": "10.0.0.0/8",
        "ingress": {"enabled": True, "host": "audio.example.org", "tlsSecret": "tls", "className": "nginx"},
        "workers": [
            {"name": "cpu", "queues": ["cpu"], "replicas": 0},
            {**GPU, "nodeSelector": {"gpu": "yes"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]},
        ],
    },
    "bucket": {
        "secret": {"existing": "mine"},
        "persistence": {"enabled": False},
        "settings": {"ECHOIC_STORAGE_URL": "s3://bucket/prefix"},
    },
    "bucket in the chart's Secret": {
        "secret": {"values": {**DATABASE, "ECHOIC_STORAGE_URL": "s3://bucket/prefix"}},
        "persistence": {"enabled": False},
    },
    "own words before others": {
        "secret": {"values": {**DATABASE, "ECHOIC_HUB_TOKEN": "general"}},
        "trustedProxies": "10.0.0.0/8",
        "settings": {
            "ECHOIC_LOG_FORMAT": "console",
            "ECHOIC_ENGINES_LOAD_AHEAD": True,
            "ECHOIC_HOST": "::",
            "ECHOIC_MAX_CONNECTIONS": 1000000,
            "ECHOIC_WORKER_POLL_SECONDS": 0.25,
        },
        "workers": [{**GPU, "settings": {"ECHOIC_ENGINES_LOAD_AHEAD": False, "ECHOIC_HUB_TOKEN": "own"}}],
    },
}
ENVIRONMENTS = {
    ("least", "api"): {"ECHOIC_LOG_FORMAT": "json"},
    ("least", "worker"): {"ECHOIC_LOG_FORMAT": "json", "ECHOIC_WORKER_QUEUES": "cpu,gpu"},
    ("own words before others", "api"): {
        "ECHOIC_LOG_FORMAT": "console",
        "ECHOIC_ENGINES_LOAD_AHEAD": "true",
        "ECHOIC_HOST": "::",
        "ECHOIC_MAX_CONNECTIONS": "1000000",
        "ECHOIC_WORKER_POLL_SECONDS": "0.25",
        "FORWARDED_ALLOW_IPS": "10.0.0.0/8",
    },
    ("own words before others", "worker"): {
        "ECHOIC_LOG_FORMAT": "console",
        "ECHOIC_ENGINES_LOAD_AHEAD": "false",
        "ECHOIC_HOST": "::",
        "ECHOIC_HUB_TOKEN": "own",
        "ECHOIC_MAX_CONNECTIONS": "1000000",
        "ECHOIC_WORKER_POLL_SECONDS": "0.25",
        "ECHOIC_WORKER_QUEUES": "gpu",
    },
}
"""The variables that a container gets, beside those of the Secret, by the kind of values and its name."""
NO_VOLUME = {"persistence": {"enabled": False}}
DECIDED = ("ECHOIC_DATA_DIR", "ECHOIC_DATABASE_URL", "ECHOIC_PORT", "ECHOIC_WORKER_QUEUES", "FORWARDED_ALLOW_IPS")
BAD: list[tuple[str, dict[str, Any]]] = [
    ("DATABASE_URL is missing", {}),
    ("DATABASE_URL is missing", {"secret": {"values": {"DATABASE_URL": ""}}}),
    ("'replicas' not allowed", {**SECRET, "replicas": 1}),
    ("must be one of 'cpu', 'gpu'", {**SECRET, "workers": [{"name": "x", "queues": ["tpu"]}]}),
    ("/ingress/host", {**SECRET, "ingress": {"enabled": True}}),
    ("/settings/ECHOIC_X", {**SECRET, "settings": {"ECHOIC_X": 12345678901234567890}}),
    ("/persistence/accessMode", {**SECRET, "persistence": {"accessMode": "ReadWriteOncePod"}}),
    ("no bucket is named", {**SECRET, **NO_VOLUME}),
    ("no bucket is named", {**SECRET, **NO_VOLUME, "settings": {"ECHOIC_STORAGE_URL": ""}}),
    ("no bucket is named", {"secret": {"existing": "mine"}, **NO_VOLUME}),
    (
        "the worker gpu has an ECHOIC_STORAGE_URL of its own",
        {**SECRET, "workers": [{**GPU, "settings": {"ECHOIC_STORAGE_URL": "s3://other"}}]},
    ),
    ("secret.existing and secret.values are both set", {"secret": {"existing": "mine", "values": DATABASE}}),
    ("two workers have the name gpu", {**SECRET, "workers": [GPU, GPU]}),
    (
        "ECHOIC_SEARCH_URL is in settings and in secret.values",
        {
            "secret": {"values": {**DATABASE, "ECHOIC_SEARCH_URL": "https://search"}},
            "settings": {"ECHOIC_SEARCH_URL": "https://search"},
        },
    ),
    (
        "ECHOIC_LOG_FORMAT is in settings and in secret.values",
        {"secret": {"values": {**DATABASE, "ECHOIC_LOG_FORMAT": "console"}}},
    ),
    ("ECHOIC_HOST in settings has to be 0.0.0.0", {**SECRET, "settings": {"ECHOIC_HOST": "127.0.0.1"}}),
    *((f"{name} cannot be set in settings", {**SECRET, "settings": {name: "1"}}) for name in DECIDED),
    *((f"{name} cannot be set in secret.values", {"secret": {"values": {**DATABASE, name: "1"}}}) for name in DECIDED),
    *(
        (
            f"{name} cannot be set in the settings of the worker gpu",
            {**SECRET, "workers": [{**GPU, "settings": {name: "1"}}]},
        )
        for name in DECIDED
    ),
]
"""Values that are refused, each behind a part of the reason."""


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of the chart with these values. Raises HelmError where they are refused."""
    files = helm_python.Chart.load(CHART).render(values, name="mine", namespace="audio")
    return [found for text in files.values() for found in yaml.safe_load_all(text) if found]


def environments(objects: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield each container by its name, with the variables that it gets."""
    for found in objects:
        if found["kind"] in ("Deployment", "Job"):
            for container in found["spec"]["template"]["spec"]["containers"]:
                yield container["name"], container.get("env") or []


def environment_faults(kind: str, objects: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the variables of the containers."""
    for name, variables in environments(objects):
        twice = [each for each, count in Counter(one["name"] for one in variables).items() if count > 1]
        if twice:
            yield f"{kind}: the container {name} gets twice: {', '.join(twice)}"
        given = {one["name"]: one["value"] for one in variables}
        wanted = ENVIRONMENTS.get((kind, name), given)
        if given != wanted:
            yield f"{kind}: the container {name} gets {given}, not {wanted}"


def main() -> int:
    """Check, say what is wrong, and return the exit status."""
    faults: list[str] = []
    kinds: set[str] = set()
    for name, values in GOOD.items():
        report = helm_python.lint(CHART, values, strict=True)
        told = [message["error"] for message in report["messages"] if message["severity"] >= WARNING]
        faults += [f"{name}: {fault}" for fault in [*report["errors"], *told]]
        objects = rendered(values)
        faults += environment_faults(name, objects)
        for found in objects:
            kinds.add(found["kind"])
            try:
                kubernetes_validate.validate(found, KUBERNETES, strict=True)
            except kubernetes_validate.ValidationError as error:
                faults.append(f"{name}: {found['kind']} {found['metadata']['name']}: {error.message}")
    for reason, values in BAD:
        try:
            rendered(values)
        except helm_python.HelmError as error:
            if reason not in str(error):
                faults.append(f"{values} are refused, but not because of {reason}: {error}")
        else:
            faults.append(f"{values} are taken")
    for fault in faults:
        print(f"chart: FAILED: {fault}")
    if not faults:
        print(
            f"chart: ok, {len(GOOD)} kinds of values, {len(BAD)} refusals, objects {', '.join(sorted(kinds))} fit Kubernetes {KUBERNETES}"
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
