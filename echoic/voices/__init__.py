"""Known voices: voiceprints, the speakers a library knows by them, and their names in the next transcript."""
