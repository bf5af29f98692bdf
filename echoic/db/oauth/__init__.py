"""Programs that people connect by OAuth: the clients, what they were granted, and the codes and tokens for it."""
