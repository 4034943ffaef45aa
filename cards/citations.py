"""What to cite: this repo, the papers behind its base model, its method and its benchmark."""

from __future__ import annotations

import re

from cards.records import RunRecord

# (what a name must contain, BibTeX): of base models, of datasets, of methods.
_BASES = (
    (
        r"exaone-?3\.5",
        """@misc{exaone35,
  title = "{EXAONE 3.5}: Series of Large Language Models for Real-world Use Cases",
  author = "{LG AI Research}",
  year = {2024},
  eprint = {2412.04862},
  archivePrefix = {arXiv}
}""",
    ),
    (
        r"solar-?10\.7b",
        """@misc{kim2023solar,
  title = "{SOLAR 10.7B}: Scaling Large Language Models with Simple yet Effective Depth Up-Scaling",
  author = {Kim, Dahyun and others},
  year = {2023},
  eprint = {2312.15166},
  archivePrefix = {arXiv}
}""",
    ),
    (
        r"qwen-?2\.5-?vl",
        """@misc{bai2025qwen25vl,
  title = "{Qwen2.5-VL} Technical Report",
  author = {Bai, Shuai and others},
  year = {2025},
  eprint = {2502.13923},
  archivePrefix = {arXiv}
}""",
    ),
    (
        r"llava-?(v1\.6|next)",
        """@misc{liu2024llavanext,
  title = "{LLaVA-NeXT}: Improved Reasoning, {OCR}, and World Knowledge",
  author = {Liu, Haotian and Li, Chunyuan and Li, Yuheng and Li, Bo and Zhang, Yuanhan and
            Shen, Sheng and Lee, Yong Jae},
  year = {2024},
  url = {https://llava-vl.github.io/blog/2024-01-30-llava-next/}
}""",
    ),
)
_DATASETS = (
    (
        r"chartqa",
        """@inproceedings{masry2022chartqa,
  title = "{ChartQA}: A Benchmark for Question Answering about Charts with Visual and Logical
           Reasoning",
  author = {Masry, Ahmed and Long, Do Xuan and Tan, Jia Qing and Joty, Shafiq and Hoque, Enamul},
  booktitle = "Findings of the Association for Computational Linguistics: ACL 2022",
  year = {2022}
}""",
    ),
)
_METHODS = {
    "lora": """@inproceedings{hu2022lora,
  title = "{LoRA}: Low-Rank Adaptation of Large Language Models",
  author = {Hu, Edward J. and Shen, Yelong and Wallis, Phillip and Allen-Zhu, Zeyuan and
            Li, Yuanzhi and Wang, Shean and Wang, Lu and Chen, Weizhu},
  booktitle = "International Conference on Learning Representations",
  year = {2022}
}""",
    "qlora": """@inproceedings{dettmers2023qlora,
  title = "{QLoRA}: Efficient Finetuning of Quantized {LLMs}",
  author = {Dettmers, Tim and Pagnoni, Artidoro and Holtzman, Ari and Zettlemoyer, Luke},
  booktitle = "Advances in Neural Information Processing Systems",
  year = {2023}
}""",
}


def citations(run: RunRecord, title: str, method: str) -> str:
    """BibTeX: the repo first, then what it stands on, as far as the names tell."""
    own = [f'  title = "{{{_plain(title)}}}"']
    if run.publication:
        owner = run.publication.repo_id.partition("/")[0]
        own.append(f'  author = "{{{_plain(owner)}}}"')
    own.append(
        f"  note = {{Tuned from {_plain(run.base_model.id.rpartition('/')[2])} on "
        f"{_plain(run.dataset.id.rpartition('/')[2])}, commit {_plain(run.dataset.revision)[:12]}}}"
    )
    key = re.sub(r"[^A-Za-z0-9]", "", title) or "model"
    entries = [f"@misc{{{key},\n" + ",\n".join(own) + "\n}"]
    for name, table in ((run.base_model.id, _BASES), (run.dataset.id, _DATASETS)):
        entries += [entry for words, entry in table if re.search(words, name, re.IGNORECASE)]
    methods = ["lora", "qlora"] if method == "qlora" else [method]
    entries += [_METHODS[one] for one in methods if one in _METHODS]
    return "\n\n".join(entries)


def _plain(text: str) -> str:
    """Without what BibTeX or a Markdown fence would read as markup."""
    return " ".join(re.sub(r'[{}\\`~$%&#^"]', " ", text).split())
