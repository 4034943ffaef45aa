"""What becomes of personal data that a scan found: refuse, redact, or allow for a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cards.errors import BogamError
from cards.records import Finding, PersonalDataCheck
from hub.gates import pii
from hub.gates.text_scan import Scan

FINDING = "personal_data"


@dataclass(frozen=True)
class PersonalDataPolicy:
    """`refuse` stops the release, `redact` puts a placeholder in the place of each find, `allow`
    leaves them in and prints the reason on the card.

    Raises:
        BogamError: `allow` without a written reason, or a reason for anything else.
    """

    action: Literal["refuse", "redact", "allow"] = "refuse"
    reason: str | None = None

    def __post_init__(self) -> None:
        written = bool(self.reason and self.reason.strip())
        if self.action == "allow" and not written:
            raise BogamError(
                "Personal data can only be allowed for a reason, which is printed on the card. "
                'Write it, e.g. --pii allow --reason "all numbers are invented".'
            )
        if self.action != "allow" and written:
            raise BogamError(
                f"A reason was given, but personal data is not to be allowed ({self.action}). "
                "Leave the reason out, or allow personal data with it."
            )


def require_none(scan: Scan, what: str) -> None:
    """Raise :class:`BogamError` with counts, columns and row ids when anything was found."""
    if scan.found:
        raise BogamError(
            f"{what}: {scan.found} occurrences in the form of personal data; nothing was sent:\n"
            f"{scan.listing()}\n"
            "Take them out at the source, or publish with --pii redact, or with --pii allow and a "
            "reason that will stand on the card."
        )


def checked(scan: Scan, policy: PersonalDataPolicy) -> PersonalDataCheck:
    """The statement that goes into the record and onto the card."""
    return PersonalDataCheck(
        policy=policy.action,
        texts_scanned=scan.cells,
        found=scan.by_kind(),
        reason=policy.reason if scan.found else None,
    )


def findings(scan: Scan, policy: PersonalDataPolicy) -> tuple[Finding, ...]:
    """One finding for each kind, with the columns it was found in."""
    treated = "redacted before publication"
    if policy.action == "allow":
        treated = f"left in: {policy.reason}"
    result = []
    for kind, count in scan.by_kind().items():
        places = [place for place in scan.tallies if place.kind == kind]
        columns = sorted({place.column or place.file for place in places})
        sure = sum(scan.tallies[place].count for place in places if place.certainty == "confirmed")
        result.append(
            Finding(
                kind=FINDING,
                severity="warning" if policy.action == "allow" else "info",
                count=count,
                detail=f"{kind}, {sure} confirmed and {count - sure} suspected by "
                f"{pii.library()}, in {', '.join(columns)}; {treated}.",
            )
        )
    return tuple(result)
