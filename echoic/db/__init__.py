"""Rows at rest: the only room with SQL. One folder per family of tables; callers hand in the session."""
