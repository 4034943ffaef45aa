"""The whole way once, for all four projects, on an embedded Hub. Begin with `story.py`.

story.py      what happens, from top to bottom
projects.py   the four projects: what is built, tuned and published
bases.py      the tiny base models and what they are taught beforehand
make_base.py  one of them, in a process of its own
strangers.py  the published models, used without any of our code
stages.py     what every project's stages do
closing.py    the report at the end
"""

from bogam.demo.closing import DemoReport, show_report
from bogam.demo.story import run_demo

__all__ = ["DemoReport", "run_demo", "show_report"]
