"""The commands, one a file: `add` says its arguments, `run` does it and imports what it needs only then."""
