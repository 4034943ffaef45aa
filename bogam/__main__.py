"""`python -m bogam` is `bogam`."""

from bogam.cli import main

main()
