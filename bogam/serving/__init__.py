"""A model behind an address: an existing engine as a child, a gateway before it, a page.

The gateway imports no torch; what does runs in the engine's process.
"""
