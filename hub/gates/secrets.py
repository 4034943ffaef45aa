"""Tokens, keys and passwords in text. Any find stops a release; there is no policy for it."""

from __future__ import annotations

import re

from hub.gates.text_scan import Detector, Match

# The published shapes of the tokens that people of this trade hold.
_FORMS = {
    "Hugging Face token": r"(?:hf|api_org)_[A-Za-z0-9]{20,}",
    "OpenAI or Anthropic key": r"sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,}",
    "AWS access key": r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    "AWS secret key": r"(?i:aws_?secret(?:_?access)?_?key)[\"' :=]{1,6}[A-Za-z0-9/+]{40}",
    "GitHub token": r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}",
    "GitLab token": r"glpat-[A-Za-z0-9_-]{20}",
    "Google API key": r"AIza[0-9A-Za-z_-]{35}",
    "Slack token": r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    "JSON web token": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "password in a URL": r"[a-z][a-z0-9+.-]*://[^/\s:@\"'<>]+:[^/\s:@\"'<>]+@[A-Za-z0-9]",
}


def detector(token: str | None) -> Detector:
    """`token` is the one in use: wherever it turns up, whatever its shape, it is a find."""
    forms = dict(_FORMS)
    if token:
        forms["token in use"] = re.escape(token)
    patterns = {kind: re.compile(rf"(?<![A-Za-z0-9_]){form}") for kind, form in forms.items()}

    def find(text: str, _: str) -> list[Match]:
        return [
            Match(match.start(), match.end(), kind, "confirmed")
            for kind, pattern in patterns.items()
            for match in pattern.finditer(text)
        ]

    return Detector("|".join(f"(?:{form})" for form in forms.values()), find)
