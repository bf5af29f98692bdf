"""Backups of a whole installation: its database and its recordings, in a folder or a bucket, and the way back."""
