"""What the Hub keeps on disk: a SQLite database and a folder of content-addressed blobs."""
