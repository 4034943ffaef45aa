"""One base model in a process of its own.

python -m bogam.demo.make_base KIND FOLDER DATASET...    KIND being exaone, reader or seer
"""

import sys
from pathlib import Path

from bogam.demo.bases import make

if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])  # type: ignore[arg-type]
