"""What to set so that nothing leaves the building: one Hub, and no library that calls home.

Read in the sources of huggingface_hub 2.4, datasets 5.2, transformers 5.23, evaluate 0.4.6,
albumentations 2.0.8 and tldextract 5.4; `tests/hub/test_environment.py` holds the libraries to it.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from cards.errors import BogamError

# Each reads its part of the environment once, when it is imported.
_READERS = (
    "albumentations",
    "datasets",
    "evaluate",
    "huggingface_hub",
    "tldextract",
    "transformers",
)
_BYPASSED = ("NO_PROXY", "no_proxy")
_PUBLIC_HUB = "huggingface.co"


def closed_network(
    endpoint: str, token: str | None = None, home: Path | None = None
) -> dict[str, str]:
    """The environment in which the Hugging Face libraries talk to `endpoint` and to nobody else.

    token: of that Hub; None leaves whatever token is in use. home: a folder for caches and tokens
    of this Hub alone, which keeps repos of the same name on two Hubs apart; None leaves the usual.
    One leak has no variable, see :func:`without_dataset_viewer`. Raises :class:`BogamError` for
    an endpoint that is no http(s) URL.
    """
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise BogamError(
            f"{endpoint!r} is not the address of a Hub. It looks like http://127.0.0.1:8088."
        )
    bypassed = dict.fromkeys((url.hostname, "localhost", "127.0.0.1"))
    bypassed.pop(_PUBLIC_HUB, None)  # which may be reached through a proxy only
    environment = {
        "HF_ENDPOINT": endpoint.rstrip("/"),
        # A proxy would see every token and every row on their way to a Hub next door.
        **dict.fromkeys(_BYPASSED, ",".join(bypassed)),
        # load_dataset: a HEAD with the full name of the dataset to a public bucket.
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        # Uploads go through the plain LFS protocol, which any Hub has.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        # The hf command: PyPI and Homebrew, once a day.
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        # transformers: the name and the token of a repo without safetensors to a public Space.
        "DISABLE_SAFETENSORS_CONVERSION": "1",
        # albumentations: PyPI, at every import.
        "NO_ALBUMENTATIONS_UPDATE": "1",
        # tldextract (under the e-mail recogniser): a list of domains, at the first look-up.
        "TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS": "",
        # transformers with report_to="all" or "wandb": the whole run to a public service.
        "WANDB_MODE": "offline",
    }
    if token is not None:
        environment["HF_TOKEN"] = token
    if home is not None:
        environment["HF_HOME"] = str(home)
    return environment


def shell_exports(environment: Mapping[str, str]) -> str:
    """Lines for a POSIX shell to evaluate. Hosts that bypass the proxy are added to those set."""
    lines = []
    for name, value in environment.items():
        if name in _BYPASSED:
            lines.append(f'export {name}={shlex.quote(value)}"${{{name}:+,${name}}}"')
        else:
            lines.append(f"export {name}={shlex.quote(value)}")
    host = urlsplit(environment["HF_ENDPOINT"]).hostname
    lines += [
        f"# load_dataset also looks up datasets-server.{host}, which no variable stops. It does",
        "# not when given a commit (revision=...). Else give that name the Hub's own address,",
        "# in your DNS or in /etc/hosts.",
    ]
    return "\n".join(lines)


def apply_to_process(environment: Mapping[str, str]) -> None:
    """Set this process, and the ones it starts, up for a closed network.

    Raise RuntimeError when a library that should have read the environment is there already.
    """
    early = [name for name in _READERS if name in sys.modules]
    if early:
        raise RuntimeError(
            f"{', '.join(early)} read the environment when imported; set it up before"
        )
    for name, value in environment.items():
        present = os.environ.get(name)
        if name in _BYPASSED and present:
            value = f"{value},{present}"
        os.environ[name] = value
    without_dataset_viewer()


def without_dataset_viewer() -> None:
    """Keep `load_dataset` from asking `datasets-server.<host of the Hub>`, with the bearer token.

    Takes effect when `datasets` is imported, or at once if it is there already; holds for this
    process only. A load that names a commit does not ask in any case.
    """
    import wrapt

    def close(config: ModuleType) -> None:
        config.USE_PARQUET_EXPORT = False  # type: ignore[attr-defined]

    wrapt.register_post_import_hook(close, "datasets.config")
