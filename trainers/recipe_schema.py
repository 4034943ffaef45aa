"""A recipe: one YAML file that fully describes a run. Imports neither torch nor transformers.

The fields are all that can be set; whatever a file leaves out takes the default written here, and
:meth:`Recipe.resolved` gives the filled-in form for `run.json`. Files and overrides on the command
line are read by :func:`trainers.recipe.load_recipe`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
RepoId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"),
]
ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """Frozen and strict: an unknown key, or `"8"` where 8 is meant, is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BaseModelSection(Section):
    """The model that is tuned."""

    id: Text
    """Hub id, or a folder on this machine."""
    revision: Text = "main"
    """Branch, tag or commit; the commit it stands for is written to `run.json`."""


class DatasetSection(Section):
    """The rows that are learnt from. Which split is evaluated stands under `evaluation`."""

    id: Text
    """Hub id, or a folder with parquet files on this machine."""
    revision: Text = "main"
    train_split: Text = "train"
    max_train_samples: Count | None = None
    """Rows drawn from the split by `schedule.seed`; null for all of them."""
    validation_split: Text | None = "validation"
    """Gives the loss on held-out rows while training; null for none."""
    max_validation_samples: Count | None = 200


class TuningSection(Section):
    """Which weights are trained, and how."""

    method: Literal["lora", "qlora"] = "lora"
    """`qlora` holds the frozen base in 4 bits, see `quantisation`."""
    rank: Count = 16
    alpha: Annotated[float, Field(gt=0)] = 32
    dropout: Share = 0.05
    targets: Annotated[tuple[ModuleName, ...], Field(strict=False, min_length=1)] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    )
    """Linear layers by their last name. Each must exist on every layer within `scope`."""
    scope: Literal["language_model"] = "language_model"
    """The part of the model in which `targets` are looked for; never a vision tower."""

    @model_validator(mode="after")
    def _targets_differ(self) -> Self:
        if len(set(self.targets)) != len(self.targets):
            raise ValueError(f"a target stands twice in {list(self.targets)}")
        return self


class QuantisationSection(Section):
    """4-bit storage of the frozen base (Dettmers et al. 2023, arXiv:2305.14314)."""

    type: Literal["nf4", "fp4"] = "nf4"
    double_quant: bool = True
    """Quantise the quantisation constants too: 0.4 bit less a weight."""
    compute_dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    """`auto`: bfloat16 where the hardware has it, else float32."""


class OptimiserSection(Section):
    """`name` is one of transformers' `OptimizerNames`."""

    name: Literal["adamw_torch", "paged_adamw_8bit", "paged_adamw_32bit"] = "adamw_torch"
    lr: Annotated[float, Field(gt=0, le=1)] = 2e-4
    weight_decay: Share = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0


class ScheduleSection(Section):
    """How long, in which steps, and what is kept on the way."""

    epochs: Annotated[float, Field(gt=0)] = 3
    max_steps: Count | None = None
    """Optimiser steps after which to stop, whatever `epochs` says; null for no such limit."""
    warmup: Share = 0.03
    """Share of all steps in which the learning rate rises from 0."""
    kind: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    batch_size: Count = 2
    """Rows a process takes at once; rows a step = batch_size x accumulation x processes."""
    accumulation: Count = 4
    gradient_checkpointing: bool = True
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Of the computation; trained weights are always fp32. `auto` as `compute_dtype`."""
    max_length: Annotated[int, Field(ge=16)] | None = None
    """Tokens a row may have; null for as many as the base model can place."""
    on_too_long: Literal["refuse", "drop"] = "refuse"
    """A row over the limit stops the run, or is left out and counted. It is never cut."""
    seed: Seed = 42
    logging_steps: Count = 10
    eval_steps: Count | None = None
    """Steps between two validation losses; null for once an epoch."""
    save_steps: Count | None = None
    """Steps between two checkpoints; null for once an epoch."""
    keep: Count = 2
    """Checkpoints that stay on the disk."""


class EvaluationSection(Section):
    """The held-out rows on which the base and the tuned model are compared. Decoding is greedy."""

    split: Text = "test"
    max_samples: Count | None = 500
    batch_size: Count = 8
    max_new_tokens: Count = 512
    resamples: Annotated[int, Field(ge=100)] = 2000
    """Bootstrap resamples behind each 95 % interval and p-value."""
    seed: Seed = 42


class PublicationSection(Section):
    """Where the result goes."""

    repo: RepoId | None = None
    """`organisation/name` on the Hub that `HF_ENDPOINT` names; null to publish nothing."""
    private: bool = True


class Recipe(Section):
    """A whole run."""

    name: Name
    task: Literal["generation"]
    """Names the scorer in `cards.scoring`."""
    system_prompt: Text | None = None
    """First message of every row that has none of its own; null for the template's default."""
    base_model: BaseModelSection
    dataset: DatasetSection
    tuning: TuningSection = TuningSection()
    quantisation: QuantisationSection | None = None
    """Only with `tuning.method: qlora`, which fills it in where it is left out."""
    optimiser: OptimiserSection = OptimiserSection()
    schedule: ScheduleSection = ScheduleSection()
    evaluation: EvaluationSection = EvaluationSection()
    publication: PublicationSection = PublicationSection()
    output_dir: Text
    """Folder of checkpoints and of the release; made where it is missing."""

    @model_validator(mode="before")
    @classmethod
    def _qlora_is_quantised(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("tuning"), dict):
            return data
        if data["tuning"].get("method") == "qlora" and data.get("quantisation") is None:
            return {**data, "quantisation": {}}
        return data

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.tuning.method == "lora" and self.quantisation is not None:
            raise ValueError(
                "`quantisation` is given, but `tuning.method: lora` trains on an unquantised "
                "base. Say `tuning.method: qlora`, or leave `quantisation` out (on the command "
                "line: quantisation=null)"
            )
        for key, split in (
            ("evaluation.split", self.evaluation.split),
            ("dataset.validation_split", self.dataset.validation_split),
        ):
            if split == self.dataset.train_split:
                raise ValueError(
                    f"`{key}` and `dataset.train_split` are both {split!r}; a model must not be "
                    "measured on rows it learnt"
                )
        return self

    def resolved(self) -> dict[str, Any]:
        """Every field with its default filled in; JSON types only."""
        return self.model_dump(mode="json")
