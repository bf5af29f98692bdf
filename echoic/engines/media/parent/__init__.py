"""Opens media that nobody vouches for, in a child process with limits on time, memory, formats and files."""

from echoic.engines.media.parent.child_process import MediaLimits
from echoic.engines.media.parent.confinement import Confinement
from echoic.engines.media.parent.conversation import MediaSource, decode, probe
from echoic.engines.media.parent.peaks import Peaks
from echoic.engines.media.parent.rehearsal import DecoderWatch, rehearse
from echoic.engines.media.parent.samples import as_audio
from echoic.engines.media.parent.spare import SpareChild, spare_child

__all__ = [
    "Confinement",
    "DecoderWatch",
    "MediaLimits",
    "MediaSource",
    "Peaks",
    "SpareChild",
    "as_audio",
    "decode",
    "probe",
    "rehearse",
    "spare_child",
]
