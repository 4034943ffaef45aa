"""One module a subject of the command line; no heavy import at their top."""
