"""조제약 라벨: the label that a pharmacy sticks on a dispensed medicine (Pharmaceutical Affairs
Act, article 28: patient, how it is taken, the day, the pharmacy)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from numpy.random import Generator

from loaders.medical_ocr.synthesis.drugs import (
    APPLY,
    ATTACH,
    INHALE,
    INTO_EYES,
    INTO_NOSE,
    UNDER_SKIN,
)
from loaders.medical_ocr.synthesis.people import Person, make_pharmacy_name
from loaders.medical_ocr.synthesis.prescription import Line, write_prescription

_NOT_SWALLOWED = {APPLY, ATTACH, INHALE, INTO_EYES, INTO_NOSE}


@dataclass(frozen=True)
class MedicineLabel:
    """One medicine of one patient."""

    patient: Person
    pharmacy: str
    day: date
    line: Line

    @property
    def heading(self) -> str:
        """What kind of medicine it is, as Korean pharmacies head their labels."""
        if self.line.directions == UNDER_SKIN:
            return "주사약"
        return "외용약" if self.line.directions in _NOT_SWALLOWED else "내복약"


def write_label(rng: Generator, patient: Person) -> MedicineLabel:
    """One of the medicines of a prescription that fits the patient."""
    prescription = write_prescription(rng, patient)
    lines = prescription.lines
    return MedicineLabel(
        patient=patient,
        pharmacy=make_pharmacy_name(rng),
        day=prescription.day,
        line=lines[int(rng.integers(len(lines)))],
    )
