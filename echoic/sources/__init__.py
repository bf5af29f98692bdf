"""Sources that fill datasets by themselves: feeds of podcasts. What they bring is taken in as every upload is."""
