"""Items with their recordings: the rows, and the rows as the API shows them."""
