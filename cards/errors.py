"""The one error that a person is meant to read."""


class BogamError(Exception):
    """What was being done, on which file or row, what was found, what to do next.

    The command line prints it without a traceback and exits with 2. Anything else that is
    raised is a bug and keeps its traceback.
    """
