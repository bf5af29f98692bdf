"""Reading for a caller: things by their ids and what is shown of them, for every door alike. Knows no HTTP."""
