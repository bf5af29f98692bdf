"""The files in the package are the ones they are taken for."""

from dataclasses import replace
from pathlib import Path

import pytest

import echoic
from echoic import errors
from echoic.engines.diarization.weights import read_weights
from echoic.engines.models.catalog import BACKGROUND, CAMPPLUS, SEGMENTATION
from echoic.engines.models.model import Model

ALL = [SEGMENTATION, CAMPPLUS, BACKGROUND]
WEIGHTS_DIR = Path(echoic.__path__[0]) / "engines" / "data" / "diarization"


def elsewhere(model: Model, path: str) -> Model:
    """The same model, with its file in another place of the package."""
    packaged = model.packaged[0]
    file = replace(packaged.files[0], parts=(("echoic", path),))
    return replace(model, packaged=(replace(packaged, files=(file,)),))


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
def test_each_file_is_whole_and_named_with_its_digest_and_license_where_it_lies(model: Model) -> None:
    source = (WEIGHTS_DIR / "SOURCE.md").read_text(encoding="utf-8")
    (file,) = model.packaged[0].files

    assert len(read_weights(model)) == file.size_bytes
    assert f"`{file.name}` | {file.size_bytes:,} | `{file.sha256}` | {model.license}" in source


def test_the_licenses_of_the_models_lie_beside_them() -> None:
    mit = (WEIGHTS_DIR / "LICENSE.segmentation-3.0.txt").read_text(encoding="utf-8")
    apache = (WEIGHTS_DIR / "LICENSE.campplus.txt").read_text(encoding="utf-8")

    assert "Permission is hereby granted" in mit
    assert "Copyright (c) 2020 CNRS" in mit
    assert "Version 2.0, January 2004" in apache
    assert "3D-Speaker" in apache


def test_a_damaged_file_is_not_loaded() -> None:
    with pytest.raises(errors.ModelMissing, match="damaged"):
        read_weights(elsewhere(BACKGROUND, "engines/data/diarization/SOURCE.md"))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(errors.ModelMissing, match=r"campplus-w16\.onnx"):
        read_weights(elsewhere(CAMPPLUS, "nowhere.onnx"))
