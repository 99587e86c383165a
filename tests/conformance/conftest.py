"""The official Node providers; skipped where Node or npm is missing, and required where the environment says so."""

import os
from pathlib import Path

import pytest

from tests.node_programs import NodeMissing, installed

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node() -> str:
    """The Node program, with the providers installed."""
    try:
        return installed(HERE)
    except NodeMissing as error:
        if os.environ.get("FIRSTFIVE_CONFORMANCE") == "required":
            pytest.fail(str(error))
        pytest.skip(f"The official JavaScript providers were not run. {error}")
