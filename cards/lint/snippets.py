"""Would the code of a card run? It is parsed, never executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from cards.lint.document import CardDocument, Snippet
from cards.lint.finding import CardRepo, LintFinding
from cards.records import RunRecord

_PYTHON = ("python", "py", "python3")
_AUTO_CLASSES = {
    "text-generation": {"AutoModelForCausalLM"},
    "image-text-to-text": {"AutoModelForImageTextToText", "AutoModelForMultimodalLM"},
    "text-classification": {"AutoModelForSequenceClassification"},
    "token-classification": {"AutoModelForTokenClassification"},
    "question-answering": {"AutoModelForQuestionAnswering"},
    "fill-mask": {"AutoModelForMaskedLM"},
    "image-classification": {"AutoModelForImageClassification", "AutoModelForImageTextToText"},
    "object-detection": {"AutoModelForObjectDetection"},
    "automatic-speech-recognition": {"AutoModelForSpeechSeq2Seq", "AutoModelForCTC"},
    "summarization": {"AutoModelForSeq2SeqLM", "AutoModelForCausalLM"},
    "translation": {"AutoModelForSeq2SeqLM", "AutoModelForCausalLM"},
}
_AUTO_MODEL = re.compile(r"Auto(?:PeftModel|Model)For\w+")
_MODEL_CLASS = re.compile(r"(?!Auto|Peft)[A-Z]\w+(?:For[A-Z]\w+|LMHeadModel)")


def check_snippets(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Python that parses, loads this repo, and does so by the class that its weights are of."""
    loads: list[tuple[int, str]] = []
    own = repo.repo_id or (
        repo.record.publication.repo_id if repo.record and repo.record.publication else None
    )
    for snippet in document.snippets:
        if snippet.language not in _PYTHON or snippet.text.lstrip().startswith((">>>", "$", "!")):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                tree = ast.parse(snippet.text)
        except SyntaxError as error:
            yield LintFinding(
                "snippet-syntax",
                "error",
                snippet.line + (error.lineno or 1) - 1,
                f"the snippet is no valid Python: {error.msg}.",
                "Run it once before it is published.",
            )
            continue
        yield from _check_classes(tree, snippet, document, repo)
        loads += [(snippet.line + line - 1, name) for line, name in _loaded(tree)]
    if own is not None and loads and own not in {name for _, name in loads}:
        line, name = loads[0]
        yield LintFinding(
            "snippet-loads-another-repo",
            "warning",
            line,
            f"the snippets load {name} and never {own}.",
            f"Show how to load {own}.",
        )


def _check_classes(
    tree: ast.AST, snippet: Snippet, document: CardDocument, repo: CardRepo
) -> Iterator[LintFinding]:
    if repo.repo_type != "model":
        return
    expected = _expected(document, repo)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and node.attr == "from_pretrained"):
            continue
        name = (
            node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        )
        auto = name.replace("AutoPeftModel", "AutoModel")
        wrong: set[str] | None = None
        if _AUTO_MODEL.fullmatch(name) and expected and auto not in expected:
            wrong = expected
        elif _MODEL_CLASS.fullmatch(name) and repo.architectures:
            wrong = None if name in repo.architectures else set(repo.architectures)
        if wrong:
            yield LintFinding(
                "snippet-wrong-class",
                "error",
                snippet.line + node.lineno - 1,
                f"{name} does not load this model, which is of {' or '.join(sorted(wrong))}.",
                f"Use {min(expected or wrong)}.",
            )


def _expected(document: CardDocument, repo: CardRepo) -> set[str]:
    """Auto classes that load the repo; empty where that is not known."""
    if isinstance(repo.record, RunRecord):
        return {repo.record.library_model_class}
    if len(repo.architectures) == 1 and repo.architectures[0].endswith("ForCausalLM"):
        return {"AutoModelForCausalLM"}
    return _AUTO_CLASSES.get(str(document.metadata.get("pipeline_tag")), set())


def _loaded(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, repo) of every id that is loaded, written in place or in a variable."""
    texts = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        if called not in ("from_pretrained", "load_dataset", "pipeline", "snapshot_download"):
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        for argument in given:
            text = None
            if isinstance(argument, ast.Name):
                text = texts.get(argument.id)
            elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                text = argument.value
            if text is not None and re.fullmatch(r"[\w.-]+/[\w.-]+", text):
                yield node.lineno, text
