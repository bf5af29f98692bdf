"""Check the Helm chart by Helm's own library: linted, rendered with values of several kinds, each object by Kubernetes' schemas.

What would not work is refused.

    .venv/deploy/bin/python scripts/try_chart.py

It runs in the environment that scripts/try_compose makes, and asks no cluster.
"""

import sys
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
}
NO_VOLUME = {"persistence": {"enabled": False}}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("DATABASE_URL is missing", {}),
    ("DATABASE_URL is missing", {"secret": {"values": {"DATABASE_URL": ""}}}),
    ("'replicas' not allowed", {**SECRET, "replicas": 1}),
    ("must be one of 'cpu', 'gpu'", {**SECRET, "workers": [{"name": "x", "queues": ["tpu"]}]}),
    ("/ingress/host", {**SECRET, "ingress": {"enabled": True}}),
    ("no bucket is named", {**SECRET, **NO_VOLUME}),
    ("no bucket is named", {**SECRET, **NO_VOLUME, "settings": {"ECHOIC_STORAGE_URL": ""}}),
    ("no bucket is named", {"secret": {"existing": "mine"}, **NO_VOLUME}),
    (
        "the worker gpu has an ECHOIC_STORAGE_URL of its own",
        {**SECRET, "workers": [{**GPU, "settings": {"ECHOIC_STORAGE_URL": "s3://other"}}]},
    ),
]
"""Values that are refused, each behind a part of the reason."""


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of the chart with these values. Raises HelmError where they are refused."""
    files = helm_python.Chart.load(CHART).render(values, name="mine", namespace="audio")
    return [found for text in files.values() for found in yaml.safe_load_all(text) if found]


def main() -> int:
    """Check, say what is wrong, and return the exit status."""
    faults: list[str] = []
    kinds: set[str] = set()
    for name, values in GOOD.items():
        report = helm_python.lint(CHART, values, strict=True)
        told = [message["error"] for message in report["messages"] if message["severity"] >= WARNING]
        faults += [f"{name}: {fault}" for fault in [*report["errors"], *told]]
        for found in rendered(values):
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
