"""The environment of a closed network is read by every library that it names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cards.errors import BogamError
from hub.environment import apply_to_process, closed_network, shell_exports

ENDPOINT = "http://127.0.0.1:8088"

# What each library makes of the environment, in the words of its own code.
READ_BY_THE_LIBRARIES = """
import json, os
from hub.environment import apply_to_process, closed_network
apply_to_process(closed_network({endpoint!r} + "/", token="hf_secret", home={home!r}))
import datasets, evaluate, huggingface_hub, tldextract
import datasets.config, evaluate.config
from huggingface_hub import constants
from huggingface_hub.utils._runtime import is_xet_available
from transformers.utils.import_utils import is_env_variable_true
print(json.dumps(dict(
    endpoints=[constants.ENDPOINT, datasets.config.HF_ENDPOINT, evaluate.config.HF_ENDPOINT],
    counts=[datasets.config.HF_UPDATE_DOWNLOAD_COUNTS, evaluate.config.HF_UPDATE_DOWNLOAD_COUNTS],
    viewer=datasets.config.USE_PARQUET_EXPORT,
    xet=is_xet_available(),
    quiet=[constants.HF_HUB_DISABLE_TELEMETRY, constants.HF_HUB_DISABLE_UPDATE_CHECK],
    no_conversion=is_env_variable_true("DISABLE_SAFETENSORS_CONVERSION"),
    token=huggingface_hub.get_token(),
    home=constants.HF_HOME,
    domains=list(tldextract.TLDExtract().suffix_list_urls),
)))
"""


def test_every_library_reads_what_was_set_for_it(tmp_path: Path) -> None:
    script = READ_BY_THE_LIBRARIES.format(endpoint=ENDPOINT, home=str(tmp_path / "hf"))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    output = subprocess.run(
        [sys.executable, "-c", script], env=plain, check=True, capture_output=True, text=True
    ).stdout
    assert json.loads(output) == {
        "endpoints": [ENDPOINT] * 3,
        "counts": [False, False],
        "viewer": False,
        "xet": False,
        "quiet": [True, True],
        "no_conversion": True,
        "token": "hf_secret",
        "home": str(tmp_path / "hf"),
        "domains": [],
    }


def test_it_is_too_late_once_a_library_has_read_the_environment() -> None:
    import huggingface_hub  # noqa: F401

    before = dict(os.environ)
    with pytest.raises(RuntimeError, match="huggingface_hub"):
        apply_to_process(closed_network(ENDPOINT))
    assert dict(os.environ) == before


def test_a_shell_evaluates_the_exports(tmp_path: Path) -> None:
    environment = closed_network("http://hub.lab:8088", "hf_it's", tmp_path / "a b")
    shell = subprocess.run(
        ["sh", "-c", f'{shell_exports(environment)}\nexec "{sys.executable}" -c "$SHOW"'],
        env={"SHOW": "import json, os; print(json.dumps(dict(os.environ)))", "NO_PROXY": "intra"},
        check=True,
        capture_output=True,
        text=True,
    )
    exported = json.loads(shell.stdout)
    assert exported["NO_PROXY"] == "hub.lab,localhost,127.0.0.1,intra"
    assert exported["no_proxy"] == "hub.lab,localhost,127.0.0.1"
    for name in environment.keys() - {"NO_PROXY", "no_proxy"}:
        assert exported[name] == environment[name]


def test_the_login_and_the_caches_in_use_stay_unless_others_are_given() -> None:
    assert not {"HF_TOKEN", "HF_HOME"} & closed_network(ENDPOINT).keys()


def test_the_public_hub_is_reached_through_the_proxy_that_is_set() -> None:
    assert closed_network("https://huggingface.co")["NO_PROXY"] == "localhost,127.0.0.1"


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:8088", "ftp://hub", "http://"])
def test_an_address_that_is_none_is_said_so(endpoint: str) -> None:
    with pytest.raises(BogamError, match="is not the address of a Hub"):
        closed_network(endpoint)
