"""Is the card complete? Sections by their meaning, limits by domain, text nobody filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding, LintSeverity


@dataclass(frozen=True)
class _Section:
    """What a reader looks for, and how headings call it."""

    name: str
    severity: LintSeverity
    headings: str
    advice: str


_LIMITS = _Section(
    "limits",
    "error",
    r"limit|out.of.scope|\brisks?\b|\bbias|caveat|intended use|disclaimer|ethic"
    r"|한계|용도|제한|주의|유의|위험|금지|면책|局限|限制",
    "Add a section `한계 · Limits`: what it must not be used for, and how it fails.",
)
_SUMMARY = _Section(
    "summary",
    "warning",
    r"summary|description|overview|introduction|about|details|요약|설명|개요|소개|简介|摘要",
    "Begin with two sentences that say what this is.",
)
_LICENCE = _Section(
    "licence",
    "warning",
    r"licen[sc]e|terms|copyright|라이[선센]스|이용 ?조건|저작권|许可",
    "Add a section `라이선스 · Licence` that names the terms of every source.",
)
_LOADING = _Section(
    "how-to-load",
    "warning",
    r"how to|usage|quick ?start|get(?:ting)? started|example|inference|\buse\b"
    r"|쓰는 ?법|사용|시작|불러오|추론|使用",
    "Add a snippet that loads it from the Hub.",
)
_SECTIONS = {
    "model": (
        _SUMMARY,
        _LOADING,
        _Section(
            "evaluation",
            "error",
            r"evaluat|results?\b|benchmark|performance|metrics|accuracy"
            r"|평가|성능|결과|벤치마크|정확도|评估|性能",
            "Add a section `평가 · Evaluation`: data, metric, number of examples, result; or say "
            "that it was not evaluated.",
        ),
        _LIMITS,
        _Section(
            "data",
            "error",
            r"data|corpus|데이터|자료|말뭉치|数据",
            "Add a section `데이터 · Data` that names the training data and its revision.",
        ),
        _Section(
            "training",
            "warning",
            r"train|fine.?tun|recipe|hyperparam|학습|훈련|미세 ?조정|파인튜닝|训练",
            "Add a section `학습 · Training`: method, hyperparameters, hardware.",
        ),
        _LICENCE,
    ),
    "dataset": (
        _SUMMARY,
        _LOADING,
        _Section(
            "structure",
            "error",
            r"column|feature|field|structure|schema|format|split|instances"
            r"|열\b|컬럼|필드|구조|스키마|형식|분할|结构",
            "Add a section `열 · Columns` that says what each column holds.",
        ),
        _Section(
            "provenance",
            "error",
            r"source|provenance|collect|creation|curat|origin|process|annotation"
            r"|만든|출처|수집|구축|원본|제작|가공|来源",
            "Add a section `출처 · Provenance`: where the rows come from and how they were made.",
        ),
        _LIMITS,
        _Section(
            "personal-data",
            "warning",
            r"personal|sensitive|privacy|\bpii\b|consent|anonymi"
            r"|개인 ?정보|민감|동의|익명|비식별|隐私",
            "Add a section `개인정보 · Personal data`: what was looked for, what was found.",
        ),
        _LICENCE,
    ),
}

_DOMAINS = {
    "medical": r"medic|clinic|health|disease|hospital|patient|radiolog|pharma"
    r"|의료|의학|질병|환자|처방|병원|医",
    "forensic": r"forensic|crime|criminal|police|narcotic|\bdrugs?\b"
    r"|수사|범죄|포렌식|마약|법의학",
}
_DOMAIN_LIMITS = {
    "medical": (
        r"not (?:an? |intended |as |for |provide |constitute |to be |used )*"
        r"(?:medical|clinical|diagnos|substitute|replacement)"
        r"|no (?:diagnosis|basis for patient)|not clinically"
        r"|consult an? (?:doctor|physician|clinician)"
        r"|의료 ?기기가 아니|의학적 조언[^.]{0,8}(?:아니|아닙)"
        r"|(?:진단|진료|처방|임상)[^.]{0,25}(?:수 없|않|금지|안 됩|안 된)",
        "Say that it is no medical device and no basis for a diagnosis, prescription or dose.",
    ),
    "forensic": (
        r"(?:not|neither|never|no) (?:be |used |as |admissible |legal )*"
        r"(?:evidence|expert opinion|proof|arrest)"
        r"|prove nothing|human (?:review|oversight)"
        r"|증거[^.]{0,20}(?:아니|아닙|수 없|않)"
        r"|(?:유무죄|체포|기소)[^.]{0,25}(?:수 없|않)|사람의 (?:검토|판단)",
        "Say that it is no evidence, and that a person must review what it says.",
    ),
}

_UNFILLED = re.compile(
    r"\[?more information needed\]?|\[needs more information\]"
    r"|model card for model id\b|dataset card for dataset name\b|\blorem ipsum\b"
    r"|\{\{[^}]*\}\}|\{%[^%]*%\}|\bon (?:the none|an unknown) dataset\b"
    r"|\[(?:insert|add|your|todo)\b[^\]]*\](?!\()|<your[-_ ][^>]*>"
    r"|\byour-(?:username|org|model)\b"
    r"|작성 ?예정|추후 ?(?:작성|추가|업데이트)|여기에 (?:작성|입력|내용)|내용을? ?(?:입력|채워)",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(r"\b(?:TODO|TBD|FIXME)\b")
_TEMPLATE_COMMENT = (
    r"provide a (?:quick|longer) summary|this section (?:is|describes|provides|addresses|should)"
    r"|generated automatically|if you had a time machine|relevant interpretability work"
)


def check_sections(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """What a reader of this kind of repo must find is there; headings have text below them."""
    for section in _SECTIONS[repo.repo_type]:
        if not _has(document, section):
            yield LintFinding(
                f"missing-{section.name}",
                section.severity,
                0,
                f"no section about {section.name.replace('-', ' ')}.",
                section.advice,
            )
    for heading in document.headings:
        if heading.is_empty and heading.level > 1:
            yield LintFinding(
                "empty-section",
                "warning",
                heading.line,
                f"nothing stands below the heading {heading.text!r}.",
                "Write it or take the heading out.",
            )


def check_domain_limits(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Medical and forensic material says what it must never be used for."""
    text = "\n".join(line for _, line in document.prose)
    for domain in _domains(document, repo):
        pattern, advice = _DOMAIN_LIMITS[domain]
        if not re.search(pattern, text, re.IGNORECASE):
            yield LintFinding(
                f"missing-{domain}-limits",
                "error",
                0,
                f"the card is about {domain} material and does not say what it must not decide.",
                advice,
            )


def check_placeholders(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Text of a template that nobody filled in."""
    computed = set((repo.rendered or "").splitlines())
    for number, line in document.prose:
        if line.startswith("|") and line in computed:
            continue  # a cell may quote what the data holds
        text = re.sub(r"`[^`]*`", "", line)
        unfilled, unfinished = _UNFILLED.search(text), _UNFINISHED.search(text)
        found = unfilled or unfinished
        if found:
            yield LintFinding(
                "placeholder",
                "error" if unfilled else "warning",
                number,
                f"{found.group(0)!r} was left in.",
                "Fill it in, or take it out.",
            )
    comments = ((line, text, "comment") for line, text in document.comments)
    code = ((snippet.line, snippet.text, "snippet") for snippet in document.snippets)
    for number, text, where in (*comments, *code):
        found = re.search(_TEMPLATE_COMMENT, text, re.IGNORECASE)
        if found:
            number += text.count("\n", 0, found.start())
            yield LintFinding(
                "template-text",
                "warning",
                number,
                f"a {where} of the template was left in: {found.group(0)!r}.",
                "Replace it with words about this repo.",
            )


def _has(document: CardDocument, section: _Section) -> bool:
    if any(re.search(section.headings, one.text, re.IGNORECASE) for one in document.headings):
        return True
    if section is _LOADING:
        return any(
            re.search(r"from_pretrained\(|load_dataset\(|pipeline\(", snippet.text)
            for snippet in document.snippets
        )
    if section is _SUMMARY:
        # A paragraph right below the title is one.
        second = next((one.line for one in document.headings if one.level > 1), None)
        intro = [
            line
            for number, line in document.prose
            if not line.startswith(("#", ">", "<", "!")) and (second is None or number < second)
        ]
        return sum(map(len, intro)) >= 40
    if section.name == "structure":
        info = document.metadata.get("dataset_info")
        return bool(info) and "features" in str(info)
    return False


def _domains(document: CardDocument, repo: CardRepo) -> list[str]:
    if repo.record is not None:
        return [repo.record.domain] if repo.record.domain in _DOMAIN_LIMITS else []
    data = document.metadata
    named = [data.get(key) for key in ("tags", "datasets", "pretty_name", "task_categories")]
    title = [heading.text for heading in document.headings if heading.level == 1]
    text = " ".join(map(str, [repo.repo_id or "", *named, *title]))
    return [name for name, words in _DOMAINS.items() if re.search(words, text, re.IGNORECASE)]
