"""A folder to a Hub and back: gates, release, and the embedded Hub server."""
