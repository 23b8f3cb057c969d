"""Tables of articles in files: found, read in chunks, written in parts. Knows nothing of scores but the names of their fields."""
