"""The whole way once, on made-up data or on the user's own. Read it from top to bottom.

Everything lies under one work folder; a second run keeps what is finished. Each stage is what a
user would call too, and speaks to the next one through files and the Hub alone.
"""

from __future__ import annotations

from pathlib import Path

from bogam.demo import bases, strangers
from bogam.demo.closing import DemoReport
from bogam.demo.projects import MEDICAL_QA, projects
from bogam.demo.side_by_side import run_side_by_side
from bogam.demo.stages import build_dataset, publish_dataset, token_of, tuning, verify_repo
from cards.records import RUN_FILE, RunRecord
from hub.environment import apply_to_process, closed_network
from hub.server.process import HubProcess


def run_demo(work: Path, source: Path | None, questions: int) -> DemoReport:
    """Raw files to four verified models on an embedded Hub.

    Args:
        work: folder for everything that the demo makes.
        source: AI Hub's zip or tree for medical QA; None makes one up.
        questions: how many of them to make up.

    Raises:
        BogamError: a stage failed; what the stages before it made is kept.
    """
    report = DemoReport()
    work.mkdir(parents=True, exist_ok=True)
    token = token_of(work)
    with HubProcess(work / "hub") as hub:
        environment = closed_network(hub.endpoint, token, work / "huggingface")
        # Models this small lose more time waiting for a second thread than they gain by it.
        apply_to_process({**environment, "OMP_NUM_THREADS": "1"})

        # Four datasets: raw files, rows, a repo with its card.
        datasets, commits = {}, {}
        for project in projects(questions):
            folder = work / project.name
            raw = source if project.name == MEDICAL_QA else None
            with report.stage(f"{project.title}: make up raw files, build, publish the dataset"):
                raw_files = raw or project.make_up(folder)
                datasets[project.name] = build_dataset(
                    project.builder,
                    raw_files,
                    folder / "dataset",
                    {} if raw else project.options,
                )
                commits[project.name] = publish_dataset(
                    datasets[project.name], project.dataset
                ).commit

        # Three base models, tiny twins of the real ones. Other data makes other twins and runs;
        # those of before stay where they are.
        runs = {name: work / name / f"run-{commit[:12]}" for name, commit in commits.items()}
        makings = bases.makings(datasets, commits, work / "bases")
        with report.stage("Make the base models: tiny twins, each taught what it needs"):
            run_side_by_side([making.work for making in makings if not making.is_made])
        with report.stage("Publish the base models, and EXAONE-3.5 converted for everybody"):
            for making in makings:
                bases.publish(making)

        # Four models: evaluated, tuned, evaluated again, published.
        outputs = {project.name: runs[project.name] / "tuning" for project in projects(questions)}
        with report.stage("Evaluate, tune, evaluate again, publish the models"):
            run_side_by_side(
                [tuning(p.title, p.recipe, outputs[p.name]) for p in projects(questions)]
            )
            for project in projects(questions):
                record = RunRecord.read(outputs[project.name] / "release" / RUN_FILE)
                report.records[project.model] = record

        # And tried by others.
        for project in projects(questions):
            with report.stage(f"{project.title}: load the model without any of our code"):
                strangers.try_it(
                    project.model,
                    report.records[project.model],
                    outputs[project.name] / "release",
                    datasets[project.name],
                )
            with report.stage(f"{project.title}: check every number on both cards"):
                for repo_id in (project.dataset, project.model):
                    report.verified.append(verify_repo(repo_id))
    return report
