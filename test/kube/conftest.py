"""Fixtures for tests against a real API server: see README.md."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from kubejudge import Judge  # noqa: E402
from releases import Release  # noqa: E402

SHOWN = 20  # differences; each failing test tells its own in full
ROOT = pathlib.Path(__file__).resolve().parents[2]


DEFINITIONS = os.environ.get("CNPG_DBM_DEFINITIONS", "1.29.0")


class Dbm:
    """The program under test."""

    def __init__(self, program: pathlib.Path, directory: pathlib.Path, namespace: str):
        self.program = program
        self.namespace = namespace
        self._directory = directory

    def run(self, command: str, values) -> subprocess.CompletedProcess:
        """`values`: a file, or the content of one."""
        if not isinstance(values, pathlib.Path):
            text = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
            values = self._directory / "values.yaml"
            values.write_text(text)
        run = subprocess.run(
            [self.program, command, "-f", values, "-n", self.namespace, "--cnpg-version", DEFINITIONS],
            capture_output=True, text=True, timeout=60)
        assert run.returncode in (0, 1), f"{command} ended with {run.returncode}: {run.stderr}"
        return run

    def objects(self, values) -> list[dict]:
        run = self.run("template", values)
        assert run.returncode == 0, run.stderr
        return [obj for obj in yaml.load_all(run.stdout, yaml.CSafeLoader) if obj]

    def refusal(self, values) -> str | None:
        """What `validate` says against them; None when it accepts them."""
        run = self.run("validate", values)
        return None if run.returncode == 0 else run.stderr + run.stdout


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data):
        return True


class Ledger:
    """What the judge and cnpg-dbm said about the same things."""

    def __init__(self):
        self.judged = 0
        self.differences: list[str] = []
        self.timings: dict[str, float] = {}

    def record(self, what: str, server: str | None, dbm: str | None):
        self.judged += 1
        if (server is None) != (dbm is None):
            def said(verdict):
                return f"refuses ({verdict.strip()})" if verdict else "accepts"

            self.differences.append(f"{what}: the server {said(server)}, cnpg-dbm {said(dbm)}")


_ledger = Ledger()


def pytest_terminal_summary(terminalreporter):
    if _ledger.timings:
        terminalreporter.write_line("judge: up in " + ", ".join(f"{s:.1f} s ({what})" for what, s in _ledger.timings.items()))
    if _ledger.judged:
        for difference in _ledger.differences[:SHOWN]:
            terminalreporter.write_line(f"difference: {difference[:300]}")
        if len(_ledger.differences) > SHOWN:
            terminalreporter.write_line(f"… and {len(_ledger.differences) - SHOWN} more")
        terminalreporter.write_line(f"judge: {_ledger.judged} objects, {len(_ledger.differences)} differences")


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    return _ledger


@pytest.fixture(scope="session")
def judge(ledger):
    """The API server. CNPG_DBM_DEFINITIONS=1.30.0 gives it the custom resources of that CloudNativePG."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated"))
    with Judge(DEFINITIONS) as judge:
        ledger.timings = judge.timings
        yield judge


@pytest.fixture
def namespace(judge) -> str:
    """A namespace for this test only."""
    return judge.new_namespace()


@pytest.fixture(scope="session")
def program() -> pathlib.Path:
    built = [os.environ["CNPG_DBM"]] if "CNPG_DBM" in os.environ else [
        ROOT / "build/release/src/cli/cnpg-dbm", ROOT / "build/release/cnpg-dbm"]
    program = next((path for path in map(pathlib.Path, built) if path.exists()), None)
    if program is None:
        pytest.skip("no cnpg-dbm: build the release preset, or set CNPG_DBM")
    return program.resolve()


@pytest.fixture
def dbm(tmp_path, namespace, program) -> Dbm:
    return Dbm(program, tmp_path, namespace)


@pytest.fixture(scope="session")
def knows(program):
    """Skips a test of a command that the program does not have."""
    def ask(*commands):
        for command in commands:
            said = subprocess.run([program, command, "--help"], capture_output=True, text=True, timeout=60).stdout
            if f" {command} " not in said.partition("Usage:")[2].partition("\n")[0]:  # the help of all commands
                pytest.skip(f"this cnpg-dbm has no {command}")
    return ask


@pytest.fixture(scope="session")
def warm(judge):
    """Every kind has been listed once: before that a new definition's objects are refused with 429."""
    judge.list_everything()


@pytest.fixture
def releases(judge, program, knows, tmp_path, warm):
    """Makes releases, each in a new namespace."""
    knows("apply")
    return lambda **options: Release(program, judge, tmp_path, **options)


@pytest.fixture
def release(releases) -> Release:
    return releases()
