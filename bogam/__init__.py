"""The command line. Imports every floor, lazily; nothing imports it."""
