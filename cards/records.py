"""The files that one stage leaves for the next, and for whoever wants to check it.

`dataset.json` is a :class:`DatasetRecord`, `rejects.jsonl` holds one :class:`Reject` a line and
`run.json` is a :class:`RunRecord`. Other programs read them, so the names of the fields are
fixed; `schema_version` changes when their meaning does.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cards.errors import BogamError

DATASET_FILE = "dataset.json"
REJECTS_FILE = "rejects.jsonl"
RUN_FILE = "run.json"
PREDICTIONS_FILE = "predictions.parquet"
VERIFY_FILE = "verify.json"
"""The signed result of a verification, attached to a repo after its release."""
LOCAL = "local"
"""The revision of a folder on this machine."""

Severity = Literal["info", "warning", "stop"]
Domain = Literal["medical", "forensic", "general"]
"""Decides which limits and risks a card must state."""


def _within_the_repo(path: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ValueError(f"{path!r} is not a path within the repo")
    return path


RepoPath = Annotated[str, AfterValidator(_within_the_repo)]


class Record(BaseModel):
    """Frozen; an unknown field is an error, so that a typing mistake cannot be lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> str:
        """The same record always gives the same text (field order, two blanks, one newline)."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"

    def write(self, path: Path) -> None:
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raise :class:`BogamError` when the file is missing or is no such record."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise BogamError(
                f"{path}: not found. The step before this one writes it at its end: `bogam build` "
                "for a dataset, the trainer for a model."
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BogamError(
                f"{path}: not a valid {cls.__name__}: {where}: {first['msg']}. "
                "Write it again with the command that made it."
            ) from error


class Reject(Record):
    """A raw item that did not become a row. Holds no text of the item: it may be personal."""

    path: str
    reason: str
    detail: str = ""


class Finding(Record):
    """Something that a reader must know; computed, never typed."""

    kind: str
    severity: Severity
    count: int
    detail: str
    detail_ko: str | None = None


class BuilderInfo(Record):
    """Which class made the rows, in which version, called how."""

    class_: str = Field(alias="class")
    version: str
    arguments: dict[str, Any]

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )


class Source(Record):
    """The raw input: its name without the folders above it, and what identifies its bytes."""

    path_name: str
    bytes: int
    sha256: str | None = None
    files: int | None = None


class Note(Record):
    """The same words for Korean and for English readers."""

    ko: str
    en: str


class PersonalDataCheck(Record):
    """What the gate before publishing looked for and found; never the texts themselves."""

    policy: Literal["refuse", "redact", "allow"]
    texts_scanned: int
    found: dict[str, int] = {}
    """{kind of personal data: occurrences}, before any redaction."""
    reason: str | None = None
    """Why findings were allowed; written by a person, printed on the card."""


class Publication(Record):
    """Where a release goes. Written into the record just before the card is made."""

    repo_id: str
    private: bool
    personal_data: PersonalDataCheck | None = None


class SplitInfo(Record):
    """One split: rows, and bytes of its parquet shards."""

    rows: int
    bytes: int


class Histogram(Record):
    """How many things lie in each range: `counts[n]` from `edges[n]` up to below `edges[n + 1]`."""

    unit: Literal["characters", "pixels"]
    edges: tuple[int, ...]
    counts: tuple[int, ...]


class Turn(Record):
    """One message of a sample row, shortened."""

    role: str
    content: str


class Sample(Record):
    """A row that the card shows, as it is published."""

    id: str
    split: str
    messages: tuple[Turn, ...]


class DatasetRecord(Record):
    """What `bogam build` made: `dataset.json`."""

    schema_version: Literal[1] = 1
    name: str
    builder: BuilderInfo
    source: Source
    licence: str
    languages: tuple[str, ...]
    task_categories: tuple[str, ...]
    raw_items: int
    """Files or records that the source holds, before anything was left out."""
    rows: int
    rejects: dict[str, int]
    counting: str = "raw_items == rows + rejects"
    """The rule of counting, stated where one row is made of several raw items."""
    counting_ko: str | None = None
    items_used: int
    """Raw items that are part of at least one row; `raw_items == items_used + rejects`."""
    splits: dict[str, SplitInfo]
    features: dict[str, Any]
    """`datasets.Features.to_dict()` of the published rows."""
    findings: tuple[Finding, ...] = ()
    statistics: dict[str, dict[str, int]] = {}
    """Counts worth a table on the card: {column or subject: {value: rows}}."""
    histograms: dict[str, Histogram] = {}
    """Lengths of texts by role, sizes of images; see `cards.row_description`."""
    samples: tuple[Sample, ...] = ()
    """Empty where nobody may see rows who may see the card."""
    artifacts: dict[RepoPath, str] = {}
    """{path in the folder: sha256} of every parquet shard and of the rejects."""
    domain: Domain = "general"
    title: Note | None = None
    description: Note | None = None
    columns: dict[str, Note] = {}
    """What each column holds, with its unit; for those that every dataset shares, see
    `cards.dataset_card`."""
    limits: tuple[Note, ...] = ()
    """What the rows must not be taken for, e.g. how questions and answers were paired."""
    annotation: Note | None = None
    """Who or what gave the rows their answers or labels."""
    task: str | None = None
    """The file of `cards.tasks` that scores models on the held-out rows."""
    publication: Publication | None = None

    @model_validator(mode="after")
    def _nothing_is_lost(self) -> Self:
        rejected = sum(self.rejects.values())
        if self.raw_items != self.items_used + rejected:
            raise ValueError(
                f"raw items {self.raw_items} != used {self.items_used} + rejected {rejected}"
            )
        split_rows = sum(split.rows for split in self.splits.values())
        if self.rows != split_rows:
            raise ValueError(f"rows {self.rows} != rows of the splits {split_rows}")
        return self

    @property
    def has_pictures(self) -> bool:
        """Whether rows show pictures: their sizes were measured."""
        return "image width" in self.histograms


class Revision(Record):
    """A repo on a Hub at one commit."""

    id: str
    revision: str
    """The 40 hexadecimal digits of the commit; for a local folder `local`."""


class DatasetUse(Revision):
    """The dataset of a run and the rows that were used of each split."""

    splits: dict[str, int]
    rows_there: dict[str, int] = {}
    """Those that the dataset has in these splits; empty in records that do not say."""


class ParameterGroup(Record):
    """One group of the optimiser, and how far training moved it."""

    name: str
    lr: float
    weight_decay: float
    parameters: int
    update_norm: float | None = None
    """L2 norm of (weights after - weights before), over the whole group."""


class LossPoint(Record):
    """One logged step."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: float | None = None
    eval_loss: float | None = None


class TrainingSummary(Record):
    """What the training took. Loss is the mean over answer tokens, in nats."""

    steps: int
    epochs: float
    loss_history: tuple[LossPoint, ...]
    seconds: float
    peak_memory_bytes: int
    samples_per_second: float
    frozen_unchanged: bool
    """True when no frozen weight differs by a bit after training."""
    label_tokens: int
    longest_sample_tokens: int
    samples_over_length: int


class Metric(Record):
    """A metric with its 95 % interval over `n` examples."""

    value: float
    low: float
    high: float
    n: int
    unit: str
    higher_is_better: bool = True
    documents: int | None = None
    """Independent documents that the `n` examples come from; the interval resamples these."""


class Comparison(Record):
    """Tuned minus zero-shot on the same examples."""

    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    test: str


class Environment(Record):
    """Versions and hardware of a run."""

    python: str
    platform: str
    packages: dict[str, str]
    device: str
    device_count: int
    cpu_count: int
    memory_bytes: int
    git_commit: str | None = None


class AnsweredSample(Record):
    """A validation row as the base model answered it before training."""

    id: str
    prompt: str
    reference: str
    answer: str


class RunRecord(Record):
    """What really happened in one run: `run.json`."""

    schema_version: Literal[1] = 1
    recipe: dict[str, Any]
    """The resolved recipe, every default filled in."""
    task: str
    """Names the scorer in `cards.scoring`, e.g. `generation`."""
    base_model: Revision
    dataset: DatasetUse
    licence: str
    """Licence of the result, see `cards.licences`."""
    parameter_groups: tuple[ParameterGroup, ...]
    training: TrainingSummary
    metrics: dict[Literal["zero_shot", "tuned"], dict[str, Metric]]
    comparison: tuple[Comparison, ...]
    baseline: Metric | None = None
    """The primary metric of answers that need no model, see `cards.baseline`."""
    environment: Environment
    seeds: dict[str, int]
    """By use; `bootstrap` is the one of the intervals and tests."""
    artifacts: dict[RepoPath, str]
    """{path in the release: sha256} of every file but the card, its figures and this record."""
    library_model_class: str
    """The transformers class that loads the result, e.g. `AutoModelForCausalLM`."""
    dataset_findings: tuple[Finding, ...] = ()
    bootstrap_resamples: int = Field(default=2000, ge=1, le=100_000)
    languages: tuple[str, ...] = ()
    domain: Domain = "general"
    base_licence: str | None = None
    dataset_licence: str | None = None
    samples: tuple[AnsweredSample, ...] = ()
    publication: Publication | None = None
