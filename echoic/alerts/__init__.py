"""Alerts: saved queries of the search's own language, asked of each item that is new or has changed."""
