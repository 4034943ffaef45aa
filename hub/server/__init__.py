"""The embedded Hub: one process that unmodified Hugging Face clients take for a Hub.

What other floors call:

- :func:`hub.server.serve.serve` runs the server,
- :class:`hub.server.process.HubProcess` runs it as a child process and waits until it answers,
- :mod:`hub.server.accounts` adds users, organisations and tokens,
- :mod:`hub.server.maintenance` checks the store and removes what nothing refers to.
"""
