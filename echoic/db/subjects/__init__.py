"""Subjects: the people and things that recordings name, over all of them."""
