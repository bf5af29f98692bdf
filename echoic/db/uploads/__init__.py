"""Uploads on their way in, and what keeps one that is sent again from being taken in twice."""
