"""What may be done with a base model, a dataset and what is made from both.

The table holds the licences of the models and data that the recipes name, and the usual open
ones. A licence that is not in it is kept under its own name and treated as the strictest until
somebody has read it: private only.

Read in: the licence files of the models on the Hub (EXAONE AI Model License Agreement 1.1 - NC,
Qwen Research License Agreement), the AI Hub usage policy, and vis-nlp/ChartQA issue 1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cards.errors import BogamError

_JOIN = "+"
_LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md")


@dataclass(frozen=True)
class Licence:
    """Terms that a program can act on. `id` is what records hold."""

    id: str
    title: str
    link: str
    hub_id: str
    """The Hub's `license`; `other` needs `license_name` and `license_link` beside it."""
    strictness: int
    """Orders licences: what is made from two stands under the stricter one."""
    non_commercial: bool = False
    research_only: bool = False
    redistribution: bool = True
    """False: nobody outside the approved circle may get a copy, so a repo must be private."""
    share_alike: bool = False
    name_prefix: str = ""
    """Names of derivatives must begin with it."""
    notice_ko: tuple[str, ...] = ()
    notice_en: tuple[str, ...] = ()
    """What a card must say, in both languages, sentence by sentence."""

    def metadata(self) -> dict[str, str]:
        """`license`, and `license_name` with `license_link` where the Hub has no name for it."""
        if self.hub_id != "other":
            return {"license": self.hub_id}
        name = self.id.split(_JOIN)[0]
        return {"license": "other", "license_name": name, "license_link": self.link}


_TABLE = {
    licence.id: licence
    for licence in (
        Licence(
            id="cc0-1.0",
            title="CC0 1.0",
            link="https://creativecommons.org/publicdomain/zero/1.0/",
            hub_id="cc0-1.0",
            strictness=0,
        ),
        Licence(
            id="mit",
            title="MIT License",
            link="https://opensource.org/license/mit",
            hub_id="mit",
            strictness=1,
            notice_ko=("저작권과 라이선스 문구를 함께 전달해야 합니다.",),
            notice_en=("Keep the copyright and licence notice.",),
        ),
        Licence(
            id="apache-2.0",
            title="Apache License 2.0",
            link="https://www.apache.org/licenses/LICENSE-2.0",
            hub_id="apache-2.0",
            strictness=1,
            notice_ko=("라이선스와 고지 문구를 함께 전달하고 바꾼 점을 밝혀야 합니다.",),
            notice_en=("Pass on the licence and notices, and state what was changed.",),
        ),
        Licence(
            id="cc-by-4.0",
            title="CC BY 4.0",
            link="https://creativecommons.org/licenses/by/4.0/",
            hub_id="cc-by-4.0",
            strictness=2,
            notice_ko=("출처를 밝혀야 합니다.",),
            notice_en=("Name the source.",),
        ),
        Licence(
            id="cc-by-sa-4.0",
            title="CC BY-SA 4.0",
            link="https://creativecommons.org/licenses/by-sa/4.0/",
            hub_id="cc-by-sa-4.0",
            strictness=3,
            share_alike=True,
            notice_ko=("출처를 밝히고 같은 조건으로 배포해야 합니다.",),
            notice_en=("Name the source and share alike.",),
        ),
        Licence(
            id="gpl-3.0",
            title="GNU GPL 3.0",
            link="https://www.gnu.org/licenses/gpl-3.0.html",
            hub_id="gpl-3.0",
            strictness=3,
            share_alike=True,
            notice_ko=("이 자료를 배포할 때는 GPL-3.0을 그대로 적용해야 합니다.",),
            notice_en=("Copies of this material stay under GPL-3.0.",),
        ),
        Licence(
            id="cc-by-nc-4.0",
            title="CC BY-NC 4.0",
            link="https://creativecommons.org/licenses/by-nc/4.0/",
            hub_id="cc-by-nc-4.0",
            strictness=5,
            non_commercial=True,
            notice_ko=("출처를 밝혀야 하며 상업적으로 이용할 수 없습니다.",),
            notice_en=("Name the source; no commercial use.",),
        ),
        Licence(
            id="qwen-research",
            title="Qwen Research License Agreement",
            link="https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/blob/main/LICENSE",
            hub_id="other",
            strictness=6,
            non_commercial=True,
            research_only=True,
            notice_ko=(
                "연구와 평가 목적의 비상업적 이용만 허용됩니다.",
                "배포할 때는 라이선스 사본과 고지 문구를 함께 전달합니다. Improved using Qwen.",
            ),
            notice_en=(
                "Non-commercial research and evaluation only.",
                "Pass on a copy of the agreement and its notice. Improved using Qwen.",
            ),
        ),
        Licence(
            id="exaone",
            title="EXAONE AI Model License Agreement - NC (1.1: EXAONE 3.5, 1.2: EXAONE 4.0)",
            link="https://huggingface.co/LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct/blob/main/LICENSE",
            hub_id="other",
            strictness=7,
            non_commercial=True,
            research_only=True,
            name_prefix="EXAONE",
            notice_ko=(
                "연구 목적으로만 쓸 수 있으며 모델, 파생 모델, 출력물의 상업적 이용은 금지됩니다.",
                "출력물에 대한 권리는 LG에 있고, 파생 모델의 이름은 EXAONE으로 시작해야 합니다.",
                "배포할 때는 이 계약서의 사본을 함께 전달합니다.",
            ),
            notice_en=(
                "Research only: no commercial use of the model, its derivatives or their output.",
                "LG keeps the rights in the output; names of derivatives begin with EXAONE.",
                "Pass on a copy of the agreement.",
            ),
        ),
        Licence(
            id="aihub",
            title="AI Hub 이용정책 (AI Hub usage policy)",
            link="https://aihub.or.kr/intrcn/guid/usagepolicy.do",
            hub_id="other",
            strictness=4,
            redistribution=False,
            notice_ko=(
                "AI Hub 데이터는 일부라도 승인 없이 제3자에게 제공하거나 국외로 반출할 수 없으며, "
                "이 저장소는 비공개로만 둘 수 있습니다.",
                "한국지능정보사회진흥원의 AI Hub(aihub.or.kr) 데이터로 만들었습니다.",
                "개인정보가 발견되면 AI Hub에 알리고 받은 데이터를 지워야 합니다.",
            ),
            notice_en=(
                "AI Hub data, in whole or in part, may not be given to third parties or taken "
                "abroad without approval: this repository must stay private.",
                "Made with data of AI Hub (aihub.or.kr), National Information Society Agency "
                "of Korea.",
                "Personal data found in it is reported to AI Hub and the copy destroyed.",
            ),
        ),
    )
}

# The makers' own statements, for models that may be out of reach or renamed on a private Hub.
_MODELS = (
    (r"LGAI-EXAONE/EXAONE-.*", "exaone"),
    (r"Qwen/Qwen2\.5-VL-3B-Instruct.*", "qwen-research"),
    (r"Qwen/Qwen2\.5-VL-7B-Instruct.*", "apache-2.0"),
    (r"llava-hf/llava-v1\.6-mistral-7b-hf", "apache-2.0"),
    (r"upstage/SOLAR-10\.7B-Instruct-v1\.0", "cc-by-nc-4.0"),
    (r"upstage/SOLAR-10\.7B-v1\.0", "apache-2.0"),
)


def find_licence(licence_id: str) -> Licence:
    """The licence behind an id of the table, of several joined by `+`, or of one unknown to us."""
    parts = [_TABLE.get(part) or _unknown(part) for part in licence_id.split(_JOIN)]
    return _combine(parts) if len(parts) > 1 else parts[0]


def with_text_in(licence: Licence, files: Collection[str]) -> Licence:
    """The licence with a link to its text among the files of a repo, where it links to a file."""
    if "://" in licence.link:
        return licence
    present = [name for name in _LICENCE_FILES if name in files]
    return replace(licence, link=present[0]) if present else licence


def is_read(licence: Licence) -> bool:
    """False where part of its terms is unknown to us, so that nothing can be said of them."""
    return all(part in _TABLE for part in licence.id.split(_JOIN))


def licence_of_base(model_id: str, card_data: Mapping[str, Any] | None) -> Licence:
    """Licence of a base model: as its maker states it, else as its own card does.

    card_data: the metadata of its README (`ModelCardData.to_dict()`), None where it has none.
    Raise :class:`BogamError` when neither says anything.
    """
    for pattern, licence_id in _MODELS:
        if re.fullmatch(pattern, model_id):
            return find_licence(licence_id)
    stated = (card_data or {}).get("license")
    if isinstance(stated, list):
        stated = _JOIN.join(sorted(stated))
    if stated == "other":
        stated = (card_data or {}).get("license_name")
    if not stated:
        raise BogamError(
            f"Base model {model_id}: its licence is not known, so none can be given to a model "
            "made from it. Add `license:` (or `license: other` with `license_name:` and "
            "`license_link:`) to the metadata of its README.md."
        )
    return find_licence(str(stated).lower())


def derive(base: Licence, data: Licence) -> Licence:
    """Licence of what is made from a base and data: the stricter one, with all duties of both.

    Its id names both where each adds something, the stricter one first: `exaone+aihub`.
    """
    parts: list[Licence] = []
    for licence in sorted((base, data), key=lambda one: -one.strictness):
        parts += [find_licence(part) for part in licence.id.split(_JOIN)]
    kept: list[Licence] = []
    for part in parts:
        if not any(_covers(other, part) for other in kept):
            kept.append(part)
    return _combine(kept) if len(kept) > 1 else kept[0]


def check_publication(
    licence: Licence, repo_id: str, *, private: bool, made_from: tuple[Licence, ...] = ()
) -> None:
    """Raise :class:`BogamError` when the licence forbids this push.

    Refused: a public repo of material that may not be passed on; a name without the prefix that
    the licence asks for; a licence looser than one of `made_from`.
    """
    name = repo_id.rpartition("/")[2]
    if not licence.redistribution and not private:
        raise BogamError(
            f"Publishing {repo_id}: public, but {licence.title} does not allow passing the "
            "material on. Publish it as a private repository."
        )
    if licence.name_prefix and not name.startswith(licence.name_prefix):
        raise BogamError(
            f"Publishing {repo_id}: {licence.title} wants names of derivatives to begin with "
            f"{licence.name_prefix!r}. Call it {licence.name_prefix}-{name}."
        )
    for source in made_from:
        for part in source.id.split(_JOIN):
            if not _covers(licence, find_licence(part)):
                raise BogamError(
                    f"Publishing {repo_id}: licence {licence.id} is looser than {part}, which it "
                    f"is made from. Publish it under {derive(licence, source).id}."
                )


def _covers(stricter: Licence, other: Licence) -> bool:
    """True when whoever keeps `stricter` keeps the restrictions of `other`."""
    own = set(stricter.id.split(_JOIN))
    if other.id in own:
        return True
    return (
        stricter.strictness >= other.strictness
        and (stricter.non_commercial or not other.non_commercial)
        and (stricter.research_only or not other.research_only)
        and (not stricter.redistribution or other.redistribution)
        and (other.name_prefix in ("", stricter.name_prefix))
        and not other.share_alike
    )


def _combine(parts: list[Licence]) -> Licence:
    first = parts[0]
    return Licence(
        id=_JOIN.join(part.id for part in parts),
        title=" + ".join(part.title for part in parts),
        link=first.link,
        hub_id=first.hub_id,
        strictness=max(part.strictness for part in parts),
        non_commercial=any(part.non_commercial for part in parts),
        research_only=any(part.research_only for part in parts),
        redistribution=all(part.redistribution for part in parts),
        share_alike=any(part.share_alike for part in parts),
        name_prefix=next((part.name_prefix for part in parts if part.name_prefix), ""),
        notice_ko=tuple(line for part in parts for line in part.notice_ko),
        notice_en=tuple(line for part in parts for line in part.notice_en),
    )


def _unknown(licence_id: str) -> Licence:
    return Licence(
        id=licence_id,
        title=f"{licence_id} (terms not read by bogam)",
        link="LICENSE",
        hub_id="other",
        strictness=8,
        non_commercial=True,
        research_only=True,
        redistribution=False,
        notice_ko=("이 라이선스의 조건은 확인되지 않았으므로 비공개 연구용으로만 둡니다.",),
        notice_en=("The terms of this licence were not read: private, for research only.",),
    )
