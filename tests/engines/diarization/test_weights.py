"""The files in the package are the ones they are taken for."""

from dataclasses import replace
from pathlib import Path

import pytest

from echoic import errors
from echoic.engines.diarization import weights
from echoic.engines.diarization.weights import BACKGROUND, CAMPPLUS, SEGMENTATION, WEIGHTS_DIR, Weights, read_weights

ALL = [SEGMENTATION, CAMPPLUS, BACKGROUND]


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.name)
def test_each_file_is_whole_and_named_with_its_digest_and_license_where_it_lies(file: Weights) -> None:
    source = (WEIGHTS_DIR / "SOURCE.md").read_text(encoding="utf-8")

    assert len(read_weights(file)) == file.size_bytes
    assert f"`{file.file}` | {file.size_bytes:,} | `{file.sha256}` | {file.license}" in source


def test_the_licenses_of_the_models_lie_beside_them() -> None:
    mit = (WEIGHTS_DIR / "LICENSE.segmentation-3.0.txt").read_text(encoding="utf-8")
    apache = (WEIGHTS_DIR / "LICENSE.campplus.txt").read_text(encoding="utf-8")

    assert "Permission is hereby granted" in mit
    assert "Copyright (c) 2020 CNRS" in mit
    assert "Version 2.0, January 2004" in apache
    assert "3D-Speaker" in apache


def test_a_damaged_file_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    (tmp_path / BACKGROUND.file).write_bytes(bytes(BACKGROUND.size_bytes))

    with pytest.raises(errors.ModelMissing, match="damaged"):
        read_weights(BACKGROUND)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(errors.ModelMissing, match=r"nowhere\.onnx"):
        read_weights(replace(CAMPPLUS, file="nowhere.onnx"))
