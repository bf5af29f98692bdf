"""The REST door: one module per resource, and one table from errors to statuses. Holds no SQL and no models."""
