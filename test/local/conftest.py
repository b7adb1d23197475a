"""Fixtures for tests that run cnpg-dbm against servers of its own on this machine."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import engine  # noqa: E402


@pytest.fixture(scope="module")
def home():
    """A folder that the tests of a module share."""
    with engine.folder() as it:
        yield it


@pytest.fixture
def folder():
    with engine.folder() as it:
        yield it


@pytest.fixture(scope="session")
def key():
    with engine.golden.KeyFile() as path:
        yield path
