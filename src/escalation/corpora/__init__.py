"""Labelled corpora: where they are, how they are read, what is checked, and what is never trained on."""
