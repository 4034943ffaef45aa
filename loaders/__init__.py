"""Raw files to typed rows; nothing is dropped without a reject."""
