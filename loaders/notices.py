"""Raw items that are sound although something about them is odd: `notices.jsonl`."""

from __future__ import annotations

from enum import StrEnum

from loaders.item_log import ItemLog


class Oddity(StrEnum):
    """What is odd about a sound item. The words are fixed."""

    ENCODING = "encoding"
    """Read from another text encoding than UTF-8."""
    BYTE_ORDER_MARK = "byte_order_mark"
    """Begins, or does not begin, with a byte order mark, unlike most of the others."""
    DECOMPOSED_NAME = "decomposed_name"
    """Its path is, or is not, in decomposed Unicode, unlike most of the others."""
    UPPER_CASE_EXTENSION = "upper_case_extension"
    BLANKS_IN_FOLDER_NAME = "blanks_in_folder_name"
    CONTROL_CHARACTERS = "control_characters"
    """Invisible characters were taken out of its text."""
    WRAPPED_IN_LIST = "wrapped_in_list"
    """The object stood alone in a list."""
    DUPLICATE_ID = "duplicate_id"
    """Another item has the same id."""
    DUPLICATE_TEXT = "duplicate_text"
    """Another item has the same text but for blanks and punctuation; both stay in one split."""
    WRONG_EXTENSION = "wrong_extension"
    """Its bytes are in another image format than its name says."""
    TURNED = "turned"
    """Stored turned or mirrored; the Exif orientation says how to show it."""
    UNUSUAL_PIXELS = "unusual_pixels"
    """CMYK, 16 bits or transparent: to be shown it must be converted with care."""
    METADATA_REMOVED = "metadata_removed"
    """Positions, serial numbers, comments or the like were taken out of its file."""
    NEAR_DUPLICATE = "near_duplicate"
    """Shows the same picture as another item; both stay in one split."""
    SHARED_BY_SPLITS = "shared_by_splits"
    """Shows the same picture as an item of another split."""
    LABELS_CONTRADICT = "labels_contradict"
    """Another item shows the same picture and has another label."""


NoticeLog = ItemLog[Oddity]
"""`NoticeLog(path).add(item path, Oddity.X, detail)`."""
