"""Opens media that nobody vouches for, in a child process with limits on time, memory, formats and files."""

from echoic.engines.media.process import MediaLimits, MediaSource, decode, probe

__all__ = ["MediaLimits", "MediaSource", "decode", "probe"]
