"""Where the words of a run go: the important ones to the terminal, all of them to a file."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from transformers.utils import logging as transformers_logging

from trainers.run_folder import RunFolder

logger = logging.getLogger(__name__)

OURS = frozenset({"cards", "hub", "trainers", "__main__"})


@contextmanager
def run_log(folder: Path, process: int, console: Console) -> Iterator[None]:
    """Write what is logged in the block to the folder's log file and to the terminal.

    Our own lines and the warnings of others; the file also gets the traceback of an error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = RunFolder(folder).log if process == 0 else folder / f"log-{process}.txt"
    file = _LogFile(name, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    file.addFilter(partial(_is_wanted, ours=logging.DEBUG))
    terminal = _Terminal(console)
    terminal.addFilter(partial(_is_wanted, ours=logging.INFO))
    root = logging.getLogger()
    level = root.level
    logger.setLevel(logging.DEBUG)
    for handler in (file, terminal):
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    transformers_logging.disable_default_handler()
    transformers_logging.enable_propagation()
    logging.captureWarnings(True)
    try:
        with quiet_libraries():
            yield
    except BaseException:
        logger.debug("the run stopped", exc_info=True)
        raise
    finally:
        logging.captureWarnings(False)
        transformers_logging.disable_propagation()
        transformers_logging.enable_default_handler()
        root.setLevel(level)
        for handler in (file, terminal):
            root.removeHandler(handler)
            handler.close()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep to themselves what libraries say to those who write code, not to those who run it."""
    # It looks for a package of faster kernels; nobody here is the worse for their absence.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield


class _LogFile(logging.FileHandler):
    """A disk without room for the log is told of once, when the run stops for it."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _Terminal(logging.Handler):
    """Whole lines through rich, which keeps them clear of a progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record), markup=False, highlight=False, soft_wrap=True)


def _is_wanted(record: logging.LogRecord, *, ours: int) -> bool:
    is_ours = record.name.partition(".")[0] in OURS
    return record.levelno >= (ours if is_ours else logging.WARNING)
