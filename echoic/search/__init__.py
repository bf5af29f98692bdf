"""Search below its engines: the question, the answer, the query language, ranking and highlighting. Knows no SQL."""
