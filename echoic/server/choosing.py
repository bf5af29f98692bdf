"""Chooses the transcriber for this machine when the settings leave that to Echoic, once for all processes of a server."""

import os

from echoic.engines.recommend import AUTO, recommend
from echoic.logs import get_logger
from echoic.settings import Settings

logger = get_logger(__name__)

CHOSEN = ("transcriber", "transcriber_model", "onnx_asr_model", "transcriber_device", "transcriber_compute_type")
"""The settings that a choice decides."""


def with_chosen_transcriber(settings: Settings) -> Settings:
    """Return settings that name a transcriber: the given ones, or with ``auto`` those chosen for this machine.

    The choice also goes into the environment, so that processes started from here work with the same transcriber,
    whatever they could reach or find later.
    """
    if settings.transcriber != "faster-whisper" or settings.transcriber_model != AUTO:
        return settings
    found = recommend(settings)
    chosen = found.applied(settings)
    logger.info("transcriber_chosen", engine=found.engine, model=found.model, reason=found.reason)
    os.environ.update({f"ECHOIC_{name.upper()}": str(getattr(chosen, name)) for name in CHOSEN})
    return chosen
