"""What people change in a transcript: texts and speakers of segments, each change a version that can be read again."""
