"""What older generations of clients know: names, paths and forms of answers. Nothing new is added here."""
