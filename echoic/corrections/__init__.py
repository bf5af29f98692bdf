"""People's changes of a transcript: texts and speakers of segments. Each change makes a version that can be read again."""
