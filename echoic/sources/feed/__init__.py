"""A podcast's feed as it is read: from bytes to records. Pure; it knows neither the network nor the database."""
