"""What a release must pass before a byte of it leaves: contents, secrets, paths, personal data."""
