"""The lock files: what one Python runs and is tested with is what every other runs."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-setup.lock", "tests/clients/generator.lock"]
LOCKS += ["deploy/checks.lock", "deploy/image.lock", "deploy/sbom.lock"]
USED_CLOSELY = ["av", "fastapi", "httpcore", "httptools", "multipart", "onnxruntime", "procrastinate", "sqlalchemy"]
USED_CLOSELY += ["typer", "uvicorn", "uvloop"]


@pytest.mark.parametrize("lock", LOCKS)
def test_each_library_is_locked_in_one_version_for_all_pythons(lock: str) -> None:
    names = Counter(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
    assert names
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("name", USED_CLOSELY)
def test_a_library_whose_inner_workings_are_used_has_an_upper_bound(name: str) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (requirement,) = [line for line in wanted if re.split(r"[\[<>=;]", line)[0] == name]
    assert re.search(r"<\d|==", requirement), f"{requirement} takes any newer release"


def test_the_pythons_named_in_setup_are_those_of_the_package() -> None:
    (low, high) = re.search(  # type: ignore[union-attr]  # a missing line is to fail here
        r"\((\d, \d+)\) <= sys.version_info < \((\d, \d+)\)", (ROOT / "scripts/setup").read_text()
    ).groups()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == f">={low},<{high}".replace(", ", ".")
