"""`bogam demo`: what `make run` runs."""
