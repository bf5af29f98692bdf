"""A copy of the search index in OpenSearch: how it is kept, and how searches ask it."""
