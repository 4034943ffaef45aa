"""presidio-analyzer's recognisers, built one by one: no spaCy model, and no network."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hub.gates.pii_forms import FORMS, Name

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer


class Recognised(NamedTuple):
    """One find, from `start` to before `end`."""

    start: int
    end: int
    checked: bool
    """The recogniser validated it, by check digit or otherwise."""


def recognise(name: Name, found: list[re.Match[str]]) -> list[Recognised]:
    """What one recogniser makes of candidates in one text.

    The first call in a process takes seconds: presidio brings spaCy.
    """
    recogniser = _recognisers()[name]
    entity = recogniser.supported_entities
    if name == "phone":
        # phonenumbers joins what stands side by side, so it is shown one candidate at a time.
        return [
            Recognised(match.start() + one.start, match.start() + one.end, True)
            for match in found
            for one in recogniser.analyze(match.group(), entity)
        ]
    # The case of letters is part of a form; presidio would ignore it.
    results = recogniser.analyze(found[0].string, entity, regex_flags=re.ASCII)
    return [Recognised(one.start, one.end, one.score == 1.0) for one in results]


@cache
def _recognisers() -> dict[Name, EntityRecognizer]:
    import tldextract
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        EmailRecognizer,
        KrBrnRecognizer,
        KrDriverLicenseRecognizer,
        KrFrnRecognizer,
        KrPassportRecognizer,
        KrRrnRecognizer,
        PhoneRecognizer,
    )

    class OfflineEmailRecognizer(EmailRecognizer):
        """Asks the list of domains that tldextract ships; the class above would fetch one."""

        domains = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())

        def validate_result(self, pattern_text: str) -> bool:
            return bool(self.domains(pattern_text).fqdn)

    def patterns(name: Name) -> list[Any]:
        return [Pattern(name, pattern, 0.5) for pattern in FORMS[name][1]]

    gaps = [("-", ""), (" ", "")]
    return {
        "resident": KrRrnRecognizer(patterns("resident"), replacement_pairs=gaps),
        "foreigner": KrFrnRecognizer(patterns("foreigner"), replacement_pairs=gaps),
        "passport": KrPassportRecognizer(patterns("passport")),
        "licence": KrDriverLicenseRecognizer(patterns("licence")),
        # Written with the name of the region, which the class above does not know.
        "named licence": PatternRecognizer("KR_DRIVER_LICENSE", patterns=patterns("named licence")),
        "card": CreditCardRecognizer(patterns("card")),
        "phone": PhoneRecognizer(supported_regions=("KR",)),
        "business": KrBrnRecognizer(patterns("business")),
        "email": OfflineEmailRecognizer(patterns("email")),
    }
