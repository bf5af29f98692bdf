"""Search as its callers see it; knows neither HTTP nor SQL."""
