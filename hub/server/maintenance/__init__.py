"""Care for a store, also while it is served: is everything there, and what may go?"""

from hub.server.maintenance.checking import FsckReport, Problem, fsck
from hub.server.maintenance.collection import GcReport, gc

__all__ = ["FsckReport", "GcReport", "Problem", "fsck", "gc"]
