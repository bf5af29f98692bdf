"""Identity of people: passwords, signing in, sessions. Knows no HTTP; what an account may do is in ``access`` and ``plans``."""
