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

USUAL_EVALUATION = {"classification": {"mode": "score"}, "medical_ocr": {"turns": "all"}}
"""What a task fills in where a recipe says nothing else."""


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


class ImagesSection(Section):
    """How large the pictures are that a vision-language model sees. Only for such models."""

    min_pixels: Count | None = None
    """Smaller pictures are enlarged to this; null for what the base model's processor says."""
    max_pixels: Count | None = None
    """Larger pictures are reduced to this, their shape kept. Decides the tokens a picture takes."""

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> Self:
        if self.min_pixels and self.max_pixels and self.min_pixels > self.max_pixels:
            raise ValueError(
                f"`min_pixels` {self.min_pixels} is more than `max_pixels` {self.max_pixels}"
            )
        return self


class FullTuning(Section):
    """A part of a vision-language model that is trained whole, beside LoRA."""

    part: Literal["vision_tower", "merger", "language_model"]
    """`vision_tower` is what sees, without the `merger` that hands on to the language model (also
    called projector); of `language_model` the layers only, not embeddings and head."""
    lr: Annotated[float, Field(gt=0, le=1)]
    last_layers: Count | None = None
    """Train only this many layers, counted from the end. Needed for `language_model`, whose other
    layers have LoRA; null for all of the part."""

    @model_validator(mode="after")
    def _layers_fit_the_part(self) -> Self:
        if self.part == "merger" and self.last_layers is not None:
            raise ValueError("`merger` has no layers to count; leave `last_layers` out")
        if self.part == "language_model" and self.last_layers is None:
            raise ValueError(
                "`language_model` needs `last_layers`: the layers that are trained whole; LoRA is "
                "laid on the others"
            )
        return self


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
    full: Annotated[tuple[FullTuning, ...], Field(strict=False)] = ()
    """Parts of a vision-language model that are trained whole, each at its own rate;
    `optimiser.lr` is the rate of LoRA."""

    @model_validator(mode="after")
    def _nothing_stands_twice(self) -> Self:
        for what, names in (
            ("target", list(self.targets)),
            ("part of `full`", [one.part for one in self.full]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"a {what} stands twice in {names}")
        return self

    @model_validator(mode="after")
    def _four_bits_stay_frozen(self) -> Self:
        if self.method == "qlora" and any(one.part == "language_model" for one in self.full):
            raise ValueError(
                "`full: language_model` needs weights that can be trained, and `method: qlora` "
                "holds the language model in 4 bits. Say `method: lora`"
            )
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


class LossSection(Section):
    """What training minimises over the answer tokens, see `trainers.losses`."""

    kind: Literal["cross_entropy", "focal", "class_balanced"] = "cross_entropy"
    """The other two are for classification: `focal` takes weight from what is right already,
    `class_balanced` gives rare classes more, and does both with a `gamma`."""
    gamma: Annotated[float, Field(ge=0)] | None = None
    """Of the focal loss; 2 where `kind: focal` leaves it out."""
    beta: Annotated[float, Field(ge=0, le=1)] | None = None
    """Of the class-balanced loss; 0.999 where `kind: class_balanced` leaves it out."""

    @model_validator(mode="before")
    @classmethod
    def _usual_strength(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for kind, key, usual in (("focal", "gamma", 2.0), ("class_balanced", "beta", 0.999)):
            if data.get("kind") == kind and data.get(key) is None:
                data = {**data, key: usual}
        return data

    @model_validator(mode="after")
    def _strength_has_a_use(self) -> Self:
        if self.gamma is not None and self.kind == "cross_entropy":
            raise ValueError("`gamma` is given, but `kind: cross_entropy` has none; say `focal`")
        if self.beta is not None and self.kind != "class_balanced":
            raise ValueError(f"`beta` is given, but `kind: {self.kind}` has none")
        return self


class ClassSection(Section):
    """One answer of a classification task, see `cards.answer_classes.AnswerClass`."""

    answer: Text
    """What the model is to answer; the last message of every row of the class."""
    name: Text
    """English, for tables and figures."""
    korean: Text
    phrases: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    """What else a wordy answer may call the class."""


class AugmentationSection(Section):
    """New images from training images, other ones in every epoch; of a dataset that was built with
    `--augment online`. See `loaders.forensics.augmentation` for the operations."""

    classes: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
    """Names of the classes whose images are multiplied."""
    copies: Count = 4
    """New images of each of them, beside the original."""
    seed: Seed = 42
    """With that of the dataset, the first epoch's images are those that `--augment materialise`
    would have written."""


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
    keep_best: bool = False
    """The result is the checkpoint with the lowest validation loss, not the last one."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that decode and preprocess pictures ahead of training; 0 for none of its own."""
    samples_logged: Annotated[int, Field(ge=0)] = 0
    """Validation rows that the base model answers for the log before training begins."""

    @model_validator(mode="after")
    def _what_is_kept_was_measured(self) -> Self:
        evaluated, saved = self.eval_steps, self.save_steps
        matched = (
            evaluated == saved if evaluated is None or saved is None else not saved % evaluated
        )
        if self.keep_best and not matched:
            raise ValueError(
                f"`keep_best` compares the validation losses of checkpoints, but `save_steps` "
                f"{saved} is no multiple of `eval_steps` {evaluated}. Give both, or neither"
            )
        return self


class EvaluationSection(Section):
    """The held-out rows on which the base and the tuned model are compared. Decoding is greedy."""

    split: Text = "test"
    mode: Literal["generate", "score"] = "generate"
    """`score` compares how likely each class is and writes nothing; the default for
    classification, and only there."""
    full_precision: bool = False
    """Score the base model once more without its quantisation. Only with `mode: score`."""
    turns: Literal["last", "all"] = "last"
    """Answers of a conversation that are asked for. With `all`, the default for medical_ocr, each
    is an example of its own after the turns before it as the dataset has them."""
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
    task: Literal["generation", "medical_ocr", "classification", "chartqa"]
    """Names the scorer in `cards.scoring`."""
    system_prompt: Text | None = None
    """First message of every row that has none of its own; null for the template's default."""
    base_model: BaseModelSection
    dataset: DatasetSection
    images: ImagesSection | None = None
    """Only for vision-language models; null for the limits of the base model's processor."""
    classes: Annotated[tuple[ClassSection, ...], Field(strict=False, min_length=2)] | None = None
    """All answers there are; for classification, and only there."""
    augmentation: AugmentationSection | None = None
    """For classification, and only there; null to learn from the rows as they are."""
    tuning: TuningSection = TuningSection()
    quantisation: QuantisationSection | None = None
    """Only with `tuning.method: qlora`, which fills it in where it is left out."""
    loss: LossSection = LossSection()
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

    @model_validator(mode="before")
    @classmethod
    def _task_decides_the_evaluation(cls, data: Any) -> Any:
        usual = USUAL_EVALUATION.get(str(data.get("task"))) if isinstance(data, dict) else None
        if usual is None or not isinstance(data.get("evaluation", {}), dict):
            return data
        return {**data, "evaluation": {**usual, **data.get("evaluation", {})}}

    @model_validator(mode="after")
    def _only_classification_has_classes(self) -> Self:
        if self.task == "classification":
            if self.classes is None:
                raise ValueError("`task: classification` needs `classes`, the answers there are")
            names = [one.name for one in self.classes]
            for name in self.augmentation.classes if self.augmentation else ():
                if name not in names:
                    raise ValueError(
                        f"`augmentation.classes` names {name!r}; the classes are {names}"
                    )
            return self
        for key, is_set in (
            ("classes", self.classes is not None),
            ("augmentation", self.augmentation is not None),
            ("evaluation.mode: score", self.evaluation.mode == "score"),
            (f"loss.kind: {self.loss.kind}", self.loss.kind != "cross_entropy"),
        ):
            if is_set:
                raise ValueError(f"`{key}` is for `task: classification`, not for {self.task!r}")
        return self

    @model_validator(mode="after")
    def _full_precision_is_something_else(self) -> Self:
        if self.evaluation.full_precision and (
            self.quantisation is None or self.evaluation.mode != "score"
        ):
            raise ValueError(
                "`evaluation.full_precision` is for `tuning.method: qlora` and `evaluation.mode: "
                "score`; without quantisation there is one precision only"
            )
        return self

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
        for key, is_set in (
            ("schedule.keep_best", self.schedule.keep_best),
            ("schedule.samples_logged", self.schedule.samples_logged > 0),
        ):
            if is_set and self.dataset.validation_split is None:
                raise ValueError(
                    f"`{key}` looks at validation rows, but `dataset.validation_split` is null"
                )
        return self

    def resolved(self) -> dict[str, Any]:
        """Every field with its default filled in; JSON types only."""
        return self.model_dump(mode="json")
