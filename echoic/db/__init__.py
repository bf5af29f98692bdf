"""Rows at rest: the only room with SQL. One module per family of tables; callers hand in the session."""
