"""A recipe is read strictly, and every mistake is told with its place and what was meant."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from cards.errors import BogamError
from trainers.recipe import load_recipe

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = sorted(
    path for path in (REPOSITORY / "recipes").rglob("*.yaml") if "accelerate" not in path.parts
)

SMALLEST = """\
name: tiny
task: generation
base_model:
  id: org/base
dataset:
  id: org/data
output_dir: work/runs/tiny
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    return tmp_path / "recipe.yaml"


def refused(path: Path, text: str, *overrides: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BogamError) as error:
        load_recipe(path, overrides)
    return str(error.value)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_shipped_recipes_are_valid_and_say_how_to_launch_them(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem if path.parent.name == "recipes" else recipe.name
    comment = "\n".join(
        line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    )
    relative = path.relative_to(REPOSITORY)
    assert f"accelerate launch trainers/finetune.py {relative}" in comment
    for promise in ("Memory", "Time", "Numbers"):
        assert promise in comment


def test_the_mission_recipe_has_the_missions_numbers() -> None:
    recipe = load_recipe(REPOSITORY / "recipes/exaone-medical-qa.yaml")
    assert recipe.base_model.id == "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct"
    assert recipe.tuning.method == "qlora"
    assert (recipe.tuning.rank, recipe.tuning.alpha) == (16, 32)
    assert recipe.tuning.targets == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert recipe.quantisation is not None
    assert (recipe.quantisation.type, recipe.quantisation.double_quant) == ("nf4", True)
    schedule = recipe.schedule
    assert (schedule.batch_size, schedule.accumulation, schedule.epochs) == (2, 4, 3)


def test_the_hybrid_recipe_has_the_missions_numbers() -> None:
    recipe = load_recipe(REPOSITORY / "recipes/qwenvl-7B-medical-ko-zh.yaml")
    assert recipe.base_model.id == "Qwen/Qwen2.5-VL-7B-Instruct"
    rates = {full.part: full.lr for full in recipe.tuning.full}
    assert rates == {"vision_tower": 2e-6, "merger": 1e-5}
    assert recipe.optimiser.lr == 5e-6
    assert recipe.optimiser.weight_decay == 0.1
    assert recipe.tuning.targets == ("q_proj", "v_proj")
    schedule = recipe.schedule
    assert (schedule.kind, schedule.warmup, schedule.epochs) == ("cosine", 0.03, 5)
    assert schedule.batch_size * schedule.accumulation * 2 == 32
    assert (schedule.precision, schedule.save_steps, schedule.keep) == ("bf16", 200, 5)
    assert recipe.images is not None
    assert (recipe.images.min_pixels, recipe.images.max_pixels) == (256 * 28**2, 1280 * 28**2)


def test_the_chart_recipe_has_the_missions_numbers() -> None:
    recipe = load_recipe(REPOSITORY / "recipes/qwenvl-3B-chartqa.yaml")
    tuning, schedule = recipe.tuning, recipe.schedule
    assert (tuning.method, tuning.rank, tuning.alpha, tuning.dropout) == ("qlora", 8, 16, 0.1)
    assert tuning.targets == ("q_proj", "v_proj")
    assert (recipe.optimiser.name, recipe.optimiser.lr) == ("paged_adamw_32bit", 2e-5)
    assert (schedule.epochs, schedule.batch_size, schedule.accumulation) == (1, 1, 1)
    assert (schedule.eval_steps, schedule.save_steps, schedule.logging_steps) == (50, 50, 50)
    assert schedule.keep_best


@pytest.mark.parametrize("name", ["qwenvl-3B-chartqa.yaml", "tiny/qwenvl-chartqa.yaml"])
def test_a_chart_model_is_asked_with_the_system_message_of_its_rows(name: str) -> None:
    from loaders.charts.notes import SYSTEM_MESSAGE

    # Inference knows the recipe, not the rows.
    assert load_recipe(REPOSITORY / "recipes" / name).system_prompt == SYSTEM_MESSAGE


def test_the_forensic_recipe_has_the_missions_numbers() -> None:
    file = REPOSITORY / "recipes/llava-v1.6-mistral-7b-drug-forensics.yaml"
    recipe = load_recipe(file)
    assert [one.answer for one in recipe.classes or ()] == ["0", "1", "2", "3"]
    assert (recipe.tuning.rank, recipe.tuning.alpha, recipe.tuning.dropout) == (16, 32, 0.05)
    assert len(recipe.tuning.targets) == 7
    assert recipe.quantisation is not None and recipe.quantisation.double_quant
    schedule = recipe.schedule
    assert (recipe.optimiser.lr, schedule.epochs) == (1e-5, 5)
    assert schedule.batch_size * schedule.accumulation == 16
    assert recipe.evaluation.mode == "score"
    stated = load_recipe(file, ["tuning.rank=8", "tuning.alpha=16"])
    assert (stated.tuning.rank, stated.tuning.alpha) == (8, 16)
    online = load_recipe(file, ["augmentation={classes: [transaction_place], copies: 4}"])
    assert online.augmentation is not None and online.augmentation.copies == 4


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("tuning: {full: [{part: merger, lr: 1e-5, last_layers: 2}]}", "has no layers to count"),
        ("tuning: {full: [{part: language_model, lr: 1e-5}]}", "needs `last_layers`"),
        (
            "tuning: {method: qlora, full: [{part: language_model, lr: 1e-5, last_layers: 2}]}",
            "holds the language model in 4 bits",
        ),
        (
            "tuning: {full: [{part: merger, lr: 1e-5}, {part: merger, lr: 1e-4}]}",
            "a part of `full` stands twice",
        ),
        ("tuning: {full: [{part: projector, lr: 1e-5}]}", "'vision_tower', 'merger'"),
        ("images: {min_pixels: 4000, max_pixels: 3000}", "`min_pixels` 4000 is more than"),
        ("evaluation: {mode: score}", "is for `task: classification`, not for 'generation'"),
        ("loss: {kind: focal}", "`loss.kind: focal` is for `task: classification`"),
        ("evaluation: {full_precision: true}", "there is one precision only"),
        ("augmentation: {classes: [a]}", "`augmentation` is for `task: classification`"),
        ("loss: {gamma: 2.0}", "`kind: cross_entropy` has none"),
        ("loss: {kind: focal, beta: 0.9}", "`beta` is given, but `kind: focal` has none"),
        (
            "classes: [{answer: '0', name: a, korean: 가}, {answer: '1', name: b, korean: 나}]",
            "`classes` is for `task: classification`",
        ),
        ("schedule: {keep_best: true, save_steps: 30, eval_steps: 20}", "is no multiple of"),
        ("schedule: {keep_best: true, save_steps: 20}", "Give both, or neither"),
        (
            "schedule: {keep_best: true}\ndataset: {id: o/d, validation_split: null}",
            "`schedule.keep_best` looks at validation rows",
        ),
    ],
)
def test_sections_that_contradict_each_other_are_explained(
    recipe_file: Path, added: str, told: str
) -> None:
    smallest = SMALLEST
    if "dataset:" in added:
        smallest = SMALLEST.replace("dataset:\n  id: org/data\n", "")
    assert told in refused(recipe_file, f"{smallest}{added}\n")


def test_the_task_decides_how_held_out_rows_are_asked(recipe_file: Path) -> None:
    def asked(task: str, *overrides: str) -> tuple[str, str]:
        text = SMALLEST.replace("task: generation", f"task: {task}")
        if task == "classification":
            text += (
                "classes:\n- {answer: '0', name: none, korean: 없음}\n"
                "- {answer: '1', name: drug, korean: 약}\n"
            )
        recipe_file.write_text(text, encoding="utf-8")
        evaluation = load_recipe(recipe_file, overrides).evaluation
        return evaluation.mode, evaluation.turns

    assert asked("generation") == ("generate", "last")
    assert asked("chartqa") == ("generate", "last")
    assert asked("medical_ocr") == ("generate", "all")
    assert asked("medical_ocr", "evaluation.turns=last") == ("generate", "last")
    assert asked("classification", "evaluation.batch_size=2") == ("score", "last")
    assert asked("classification", "evaluation.mode=generate") == ("generate", "last")


def test_classification_needs_its_classes(recipe_file: Path) -> None:
    text = SMALLEST.replace("task: generation", "task: classification")
    assert "needs `classes`" in refused(recipe_file, text)


def test_a_loss_gets_its_usual_strength(recipe_file: Path) -> None:
    text = SMALLEST.replace("task: generation", "task: classification") + (
        "classes:\n- {answer: '0', name: none, korean: 없음}\n"
        "- {answer: '1', name: drug, korean: 약}\n"
    )
    recipe_file.write_text(text, encoding="utf-8")
    assert load_recipe(recipe_file, ["loss.kind=focal"]).loss.gamma == 2.0
    assert load_recipe(recipe_file, ["loss.kind=focal", "loss.gamma=1"]).loss.gamma == 1.0
    assert load_recipe(recipe_file, ["loss.kind=class_balanced"]).loss.beta == 0.999


def test_only_classes_that_there_are_can_be_augmented(recipe_file: Path) -> None:
    text = SMALLEST.replace("task: generation", "task: classification") + (
        "classes:\n- {answer: '0', name: none, korean: 없음}\n"
        "- {answer: '1', name: drug, korean: 약}\n"
    )
    told = refused(recipe_file, f"{text}augmentation: {{classes: [drugs]}}\n")
    assert "names 'drugs'; the classes are ['none', 'drug']" in told
    recipe_file.write_text(f"{text}augmentation: {{classes: [drug]}}\n", encoding="utf-8")
    section = load_recipe(recipe_file).augmentation
    assert section is not None
    assert (section.copies, section.seed) == (4, 42)


def test_the_zero3_config_leaves_the_optimiser_to_the_recipe() -> None:
    import json

    text = (REPOSITORY / "recipes/accelerate/zero3-offload.json").read_text(encoding="utf-8")
    config = json.loads(text)
    assert config["zero_optimization"]["stage"] == 3
    assert "optimizer" not in config
    assert "scheduler" not in config


def test_a_recipe_is_checked_without_torch() -> None:
    code = (
        "import sys\n"
        "from trainers.recipe import load_recipe\n"
        "load_recipe('recipes/exaone-medical-qa.yaml', ['schedule.epochs=1'])\n"
        "heavy = {'torch', 'transformers', 'peft', 'trl', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_resolved_recipe_names_every_default_and_reads_back(recipe_file: Path) -> None:
    import yaml

    recipe_file.write_text(SMALLEST, encoding="utf-8")
    recipe = load_recipe(recipe_file)
    resolved = recipe.resolved()
    assert resolved["schedule"]["seed"] == 42
    assert resolved["tuning"]["targets"] == ["q_proj", "k_proj", "v_proj", "o_proj"]
    recipe_file.write_text(yaml.safe_dump(resolved), encoding="utf-8")
    assert load_recipe(recipe_file) == recipe


def test_overrides_are_laid_over_the_file(recipe_file: Path) -> None:
    recipe_file.write_text(SMALLEST + "optimiser:\n  lr: 1e-5\n", encoding="utf-8")
    recipe = load_recipe(
        recipe_file,
        ["optimiser.lr=3e-4", "tuning.targets=[q_proj, v_proj]", "evaluation.max_samples=null"],
    )
    assert recipe.optimiser.lr == 3e-4
    assert recipe.tuning.targets == ("q_proj", "v_proj")
    assert recipe.evaluation.max_samples is None


def test_scientific_numbers_are_numbers(recipe_file: Path) -> None:
    recipe_file.write_text(SMALLEST + "optimiser:\n  lr: 2e-4\n", encoding="utf-8")
    assert load_recipe(recipe_file).optimiser.lr == 2e-4


def test_qlora_fills_in_nf4_with_double_quantisation(recipe_file: Path) -> None:
    recipe_file.write_text(SMALLEST + "tuning:\n  method: qlora\n", encoding="utf-8")
    recipe = load_recipe(recipe_file)
    assert recipe.quantisation is not None
    assert recipe.quantisation.type == "nf4"
    assert recipe.quantisation.double_quant


@pytest.mark.parametrize(
    ("added", "line", "said"),
    [
        ("lr: 1e-4\n", 8, "lr: no such key. Did you mean 'optimiser.lr'?"),
        ("optimizer:\n  lr: 1e-4\n", 8, "optimizer: no such key. Did you mean 'optimiser'?"),
        ("tuning:\n  rnk: 8\n", 9, "tuning.rnk: no such key. Did you mean 'tuning.rank'?"),
        ("tuning:\n  rank: '8'\n", 9, "tuning.rank: Input should be a valid integer; found '8'"),
        ("tuning:\n  rank: true\n", 9, "tuning.rank: Input should be a valid integer"),
        ("tuning:\n  dropout: 1.5\n", 9, "tuning.dropout: Input should be less than 1"),
        ("tuning:\n  targets: q_proj\n", 9, "tuning.targets: must be a list"),
        ("tuning:\n  targets: []\n", 9, "tuning.targets: the list must not be empty"),
        ("tuning: lora\n", 8, "tuning: this is a section"),
        ("schedule:\n  on_too_long: cut\n", 9, "schedule.on_too_long: Input should be 'refuse'"),
        ("publication:\n  repo: name\n", 9, "publication.repo: must have the form organisation/"),
    ],
)
def test_mistakes_are_told_with_line_key_and_what_was_meant(
    recipe_file: Path, added: str, line: int, said: str
) -> None:
    message = refused(recipe_file, SMALLEST + added)
    assert f"line {line}, {said}" in message
    assert str(recipe_file) in message


def test_all_mistakes_are_told_at_once(recipe_file: Path) -> None:
    message = refused(recipe_file, SMALLEST + "lr: 1\ntuning:\n  rank: 0\n", "schedule.epochs=no")
    assert len(re.findall(r"^  (?:line \d+|command line), ", message, re.M)) == 3
    assert "command line, schedule.epochs" in message


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("schedule.epoch=1", "Did you mean 'schedule.epochs'?"),
        ("epochs=1", "Did you mean 'schedule.epochs'?"),
        ("epochs", "have the form key=value"),
        ("name=[", "not valid YAML"),
    ],
)
def test_wrong_overrides_are_told(recipe_file: Path, override: str, said: str) -> None:
    message = refused(recipe_file, SMALLEST, override)
    assert said in message
    assert override in message


def test_a_missing_key_is_named(recipe_file: Path) -> None:
    message = refused(recipe_file, SMALLEST.replace("  id: org/base\n", "  revision: main\n"))
    assert "base_model.id: this key is needed" in message


def test_a_key_may_not_stand_twice(recipe_file: Path) -> None:
    message = refused(recipe_file, SMALLEST + "name: other\n")
    assert "line 8" in message
    assert "'name' already stands in line 1" in message


@pytest.mark.parametrize("text", ["", "just words\n", "a: [\n", "- a\n"])
def test_what_is_no_recipe_is_refused(recipe_file: Path, text: str) -> None:
    assert str(recipe_file) in refused(recipe_file, text)


def test_a_misspelt_file_name_is_recognised() -> None:
    with pytest.raises(BogamError, match=r"Did you mean recipes/exaone-medical-qa\.yaml"):
        load_recipe("recipes/exaone-medcal-qa.yaml")


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("evaluation:\n  split: train\n", "must not be measured on rows it learnt"),
        ("quantisation:\n  type: nf4\n", "trains on an unquantised base"),
    ],
)
def test_sections_must_agree(recipe_file: Path, added: str, said: str) -> None:
    assert said in refused(recipe_file, SMALLEST + added)


def test_a_recipe_cannot_be_changed_afterwards(recipe_file: Path) -> None:
    recipe_file.write_text(SMALLEST, encoding="utf-8")
    recipe = load_recipe(recipe_file)
    with pytest.raises(ValidationError, match="frozen"):
        recipe.schedule.seed = 1
