"""Names, paths and forms of answers for older generations of clients. Nothing new is added here."""
