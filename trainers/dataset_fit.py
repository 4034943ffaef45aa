"""Whether a dataset is one of the recipe's task, before any weight is loaded."""

from __future__ import annotations

from cards.errors import BogamError
from cards.tasks import find_task
from trainers.dataset_source import DatasetSource
from trainers.recipe_schema import Recipe


def require_fit(recipe: Recipe, source: DatasetSource) -> None:
    """Compare the recipe's task and classes with the columns that the dataset's record tells.

    Nothing is known of the columns of a dataset that `bogam` did not build.

    Raises:
        BogamError: a column is missing that the task is scored by, or the dataset's classes are
            not the recipe's.
    """
    if source.record is None:
        return
    where = f"dataset {source.revision.id}"
    features, task = source.record.features, find_task(recipe.task)
    missing = [
        column for column in task.row_columns if column in task.columns and column not in features
    ]
    if missing:
        raise BogamError(
            f"{where}: has no column {', '.join(missing)}, by which the task {task.name} is "
            f"scored. It is a dataset for {', '.join(source.record.task_categories)}: choose a "
            "recipe for that, or another dataset."
        )
    label = features.get("label")
    found = label.get("names") if isinstance(label, dict) else None
    if found is None:
        return
    if recipe.task == "classification":
        wanted = [one.name for one in recipe.classes or ()]
        if wanted != found:
            raise BogamError(
                f"{where}: its classes are {', '.join(found)}, the recipe's are "
                f"{', '.join(wanted)}: answers would be counted under the wrong names. Write the "
                "dataset's classes into `classes`, in this order."
            )
    elif recipe.task != "generation":
        raise BogamError(
            f"{where}: its answers are the classes {', '.join(found)}, which the task {task.name} "
            "does not score. Choose a recipe with `task: classification`."
        )
