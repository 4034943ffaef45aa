"""What an operator may tune, with the safe and usual values."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Sizes in bytes, times in seconds."""

    private_by_default: bool = True
    """A repo that is created without a visibility is private: nobody shares by forgetting."""
    inline_bytes: int = 64 * 1024
    """Contents up to this size live in the database, where thousands cost one fsync."""
    regular_bytes: int = 10 * MEBIBYTE
    """Larger files travel as LFS objects, never inside the JSON of a commit."""
    multipart_bytes: int = 1024 * MEBIBYTE
    """Larger LFS objects are uploaded in parts, so that a broken line costs one part."""
    part_bytes: int = 64 * MEBIBYTE
    link_seconds: int = 3600
    """Least lifetime of a signed upload link; large objects get a second more per megabyte."""
    session_seconds: int = 12 * 3600
    """How long a browser stays logged in."""
    grace_seconds: int = 24 * 3600
    """Garbage collection leaves younger things alone: they may belong to a running upload."""
