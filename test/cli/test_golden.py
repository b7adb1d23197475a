"""The program prints what the golden files say. `make accept` takes a change; read its diff."""

import difflib

import golden
import pytest
import yaml

CASES = golden.cases()


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    with golden.KeyFile() as key:
        text = golden.transcript(CASES[name], key)
        again = golden.transcript(CASES[name], key)
    assert text == again, "two runs differ"
    expected = (golden.GOLDEN / name).read_text()
    diff = "".join(difflib.unified_diff(expected.splitlines(True), text.splitlines(True), name, "now", n=2))
    assert not diff, f"`make accept` takes this:\n{diff[:4000]}"


def test_no_golden_file_is_left_over():
    assert {path.name for path in golden.GOLDEN.iterdir()} == set(CASES)


@pytest.mark.parametrize("name", [n for n in CASES if CASES[n][0] == "template" and n.endswith(".yaml")])
def test_every_document_is_an_object(name):
    for document in yaml.safe_load_all((golden.GOLDEN / name).read_text()):
        assert {"apiVersion", "kind", "metadata"} <= document.keys()


@pytest.mark.parametrize("name", [n for n in CASES if n.startswith("mistakes-")])
def test_no_secret_is_told(name):
    assert "hunter2" not in (golden.GOLDEN / name).read_text()
