"""Known people, who speaks where, and voiceprints."""
