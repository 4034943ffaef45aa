"""The whole way once, on made-up data or on the user's own. Read it from top to bottom.

Everything lies under one work folder; a second run keeps what is finished. Each stage is what a
user would call too, and speaks to the next one through files and the Hub alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bogam.report import bars, console, show_dataset, show_published, show_verification
from cards.errors import BogamError
from hub.environment import apply_to_process, closed_network
from hub.server.accounts import add_organisation, add_user, create_token, has_user
from hub.server.process import HubProcess

if TYPE_CHECKING:
    from bogam.verify import Verification
    from cards.licences import Licence
    from cards.records import RunRecord
    from hub.push import Published

USER, ORGANISATION = "demo", "org"
DATASET = f"{ORGANISATION}/ai-hub-medical-qa"
BASE = f"{ORGANISATION}/EXAONE-3.5-tiny"
CONVERTED_BASE = f"{ORGANISATION}/EXAONE-3.5-tiny-Llama"
MODEL = f"{ORGANISATION}/EXAONE-3.5-medical-qa"

_PROJECT = Path(__file__).resolve().parent.parent
_RECIPE = _PROJECT / "recipes/tiny/exaone-medical-qa.yaml"
_TWIN_OF = "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct"
_TWIN_STEPS = 500


@dataclass
class DemoReport:
    """What the demo made and how long each stage took (seconds)."""

    stages: dict[str, float] = field(default_factory=dict)
    verified: list[Verification] = field(default_factory=list)
    record: RunRecord | None = None

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        console.rule(f"[bold]{len(self.stages) + 1}. {title}")
        begin = time.monotonic()
        yield
        self.stages[title] = time.monotonic() - begin


def run_demo(work: Path, source: Path | None, questions: int) -> DemoReport:
    """Raw files to a verified model on an embedded Hub.

    Args:
        work: folder for everything that the demo makes.
        source: AI Hub's zip or tree; None makes one up with this many `questions`.

    Raises:
        BogamError: a stage failed; what the stages before it made is kept.
    """
    report = DemoReport()
    work.mkdir(parents=True, exist_ok=True)
    token = _token(work)
    with HubProcess(work / "hub") as hub:
        environment = closed_network(hub.endpoint, token, work / "huggingface")
        # Models this small lose more time waiting for a second thread than they gain by it.
        apply_to_process({**environment, "OMP_NUM_THREADS": "1"})

        made_up = source is None
        if source is None:
            source = work / f"made-up-{questions}" / "TL.zip"
            with report.stage(f"Make up {questions:,} questions in AI Hub's format"):
                _make_up(source, questions)

        with report.stage("Build the dataset"):
            dataset = _build(source, work / "dataset", made_up=made_up)

        with report.stage("Publish the dataset"):
            published = _publish_dataset(dataset)

        # Other data makes another twin and another run; those of before stay where they are.
        run = work / f"run-{published.commit[:12]}"

        with report.stage("Make a tiny twin of EXAONE-3.5 and convert it for everybody"):
            _publish_base(dataset, run)

        with report.stage("Evaluate, tune, evaluate again, publish the model"):
            report.record = _finetune(run / "tuning")

        with report.stage("Load the model as a stranger would, without any of our code"):
            _load_as_a_stranger(report.record, run / "tuning/release")

        with report.stage("Check every number on both cards"):
            for repo_id in (DATASET, MODEL):
                report.verified.append(_verify(repo_id))
    return report


def _token(work: Path) -> str:
    """A write token of the demo's user; the file is the demo's own keyring."""
    root, keyring = work / "hub", work / "token"
    if not has_user(root, USER):
        add_user(root, USER)
    add_organisation(root, ORGANISATION, [USER])
    if not keyring.is_file():
        keyring.touch(mode=0o600)
    token = keyring.read_text(encoding="utf-8").strip()
    if not token:
        token = create_token(root, USER, name="demo")
        keyring.write_text(token + "\n", encoding="utf-8")
    return token


def _make_up(archive: Path, questions: int) -> None:
    from loaders.medical_qa_sample import write_sample

    if archive.is_file():
        console.print(f"{archive}: made before; kept as it is", highlight=False)
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_sample(archive, questions=questions)
    console.print(archive, highlight=False)


def _build(source: Path, folder: Path, *, made_up: bool) -> Path:
    from loaders.dataset_folder import build

    with bars() as progress:
        # Another SOURCE than last time: the demo's folder is the demo's to replace.
        record = build(
            "medical-qa", source, folder, {"made_up": made_up}, force=True, progress=progress
        )
    show_dataset(record, folder)
    return folder


def _publish_dataset(folder: Path) -> Published:
    from cards.dataset_card import render_dataset_card
    from cards.lint import publishable
    from hub.publish import publish_dataset

    with bars() as progress:
        published = publish_dataset(
            folder,
            DATASET,
            card=lambda record: publishable(render_dataset_card(record), record),
            progress=progress,
        )
    show_published(published)
    return published


def _publish_base(dataset: Path, run: Path) -> None:
    """Under EXAONE's own names first, then converted, as the real one is by `convert-base`.

    The twin learns its Korean from training rows; what is held out stays unseen.
    """
    import pyarrow.parquet as pq

    from cards.licences import licence_of_base
    from hub.publish import publish_release
    from hub.release import Release
    from trainers.convert_base import convert_base, publish_converted
    from trainers.tiny_twins import make_twin

    twin, converted = run / "twin", run / "twin-llama"
    licence = licence_of_base(_TWIN_OF, None)
    if not (twin / "README.md").is_file():
        shards = sorted((dataset / "data").glob("train-*.parquet"))
        train = pq.ParquetDataset(shards).read(columns=["instruction", "output"]).to_pylist()
        texts = [text for row in train for text in (row["instruction"], row["output"])]
        make_twin("exaone-3.5", twin, texts, steps=_TWIN_STEPS)
        (twin / "README.md").write_text(_twin_card(licence), encoding="utf-8")
    release = Release(twin, BASE, "model", licence)
    show_published(publish_release(release, "Publish a tiny twin of EXAONE-3.5"))
    if not converted.is_dir():
        with bars() as progress:
            convert_base(BASE, converted, CONVERTED_BASE, progress=progress)
    show_published(publish_converted(converted, CONVERTED_BASE, licence))


def _twin_card(licence: Licence) -> str:
    metadata = "\n".join(f"{key}: {value}" for key, value in licence.metadata().items())
    return (
        f"---\n{metadata}\nlanguage: [ko]\nlibrary_name: transformers\n---\n\n"
        f"# {BASE}\n\nA tiny model of EXAONE-3.5's architecture, made by `bogam demo` from the "
        "demo's training rows. It knows nothing else and is good for nothing else.\n\n"
        "`bogam demo`가 만든 시험용 초소형 모델입니다.\n"
    )


def _finetune(output: Path) -> RunRecord:
    """In processes of its own, launched as the recipe says."""
    from cards.records import RUN_FILE, RunRecord

    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--num_processes=1",
        "--num_machines=1",
        "--mixed_precision=no",
        "--dynamo_backend=no",
        str(_PROJECT / "trainers/finetune.py"),
        str(_RECIPE),
        f"output_dir={output}",
    ]
    status = subprocess.run(command, check=False).returncode
    if status:
        raise BogamError(
            f"the training run in {output} ended with status {status}; the reason stands above and "
            f"in {output / 'log.txt'}. The same command goes on from its last checkpoint."
        )
    return RunRecord.read(output / "release" / RUN_FILE)


_STRANGER = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer

repo, messages, limit = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(repo)
model = AutoModelForCausalLM.from_pretrained(repo)
prompt = tokenizer.apply_chat_template(
    json.loads(messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
)
answer = model.generate(**prompt, max_new_tokens=int(limit), do_sample=False)
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))
ours = {"bogam", "cards", "hub", "loaders", "trainers"} & set(sys.modules)
assert not ours, ours
"""


def _load_as_a_stranger(record: RunRecord, release: Path) -> None:
    """Plain transformers in a fresh process gives the answer that the predictions hold."""
    import pyarrow.parquet as pq

    from cards.records import PREDICTIONS_FILE

    first = pq.read_table(release / PREDICTIONS_FILE).slice(0, 1).to_pylist()[0]
    messages = [{"role": "user", "content": first["prompt"]}]
    if record.recipe["system_prompt"]:
        messages.insert(0, {"role": "system", "content": record.recipe["system_prompt"]})
    limit = record.recipe["evaluation"]["max_new_tokens"]
    done = subprocess.run(
        [sys.executable, "-c", _STRANGER, MODEL, json.dumps(messages), str(limit)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=release,
        check=False,
    )
    if done.returncode:
        raise BogamError(f"{MODEL} could not be loaded by plain transformers; see above.")
    answer = done.stdout.strip()
    console.print(f"질문 question: {first['prompt']}\n답변 answer:   {answer}", highlight=False)
    if answer != first["tuned"].strip():
        raise BogamError(
            f"{MODEL} loaded by plain transformers answers otherwise than in the evaluation: "
            f"{answer!r} instead of {first['tuned']!r}."
        )


def _verify(repo_id: str) -> Verification:
    from bogam.verify import verify

    result = verify(repo_id)
    show_verification(result)
    if result.failures:
        raise BogamError(f"{repo_id}: {len(result.failures)} checks failed; they stand above.")
    return result


def show_report(report: DemoReport, work: Path) -> None:
    """The table at the end and the page to open."""
    from rich.table import Table

    if report.record is not None:
        table = Table(title=f"{MODEL}: held-out rows, 95 % intervals", title_justify="left")
        for heading in ("metric", "zero-shot", "tuned", "n"):
            table.add_column(heading)
        zero_shot, tuned = report.record.metrics["zero_shot"], report.record.metrics["tuned"]
        for name, after in tuned.items():
            table.add_row(name, *(_interval(m) for m in (zero_shot[name], after)), str(after.n))
        console.print(table)
    seconds: Mapping[str, float] = report.stages
    for title, taken in seconds.items():
        console.print(f"{taken:7.1f} s  {title}", highlight=False)
    console.print(f"{sum(seconds.values()):7.1f} s  in all", highlight=False)
    console.print(
        f"\nThe pages:  make hub   then open  http://127.0.0.1:8088/{MODEL}\n"
        f"They are private; log in with the token in {work / 'token'}",
        highlight=False,
    )


def _interval(metric: object) -> str:
    from cards.records import Metric

    assert isinstance(metric, Metric)
    return f"{metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}] {metric.unit}".rstrip()
