"""The database as a stream of rows: copied out of one snapshot, and into an empty database."""
