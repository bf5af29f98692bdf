"""Opens media that nobody vouches for, in a child process with limits on time, memory, formats and files."""

from echoic.engines.media.child import MediaLimits
from echoic.engines.media.confinement import Confinement
from echoic.engines.media.process import MediaSource, decode, probe
from echoic.engines.media.rehearsal import DecoderWatch, rehearse
from echoic.engines.media.samples import as_audio

__all__ = ["Confinement", "DecoderWatch", "MediaLimits", "MediaSource", "as_audio", "decode", "probe", "rehearse"]
