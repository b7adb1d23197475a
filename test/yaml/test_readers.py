"""What the writer writes reads back the same elsewhere: PyYAML (YAML 1.1), and Go's readers of kubectl, Helm and yaml.v3.
And the reader reads what Helm's reader reads."""

import json
import os
import pathlib
import subprocess

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = os.environ.get("DBM_YAML_TOOL", str(ROOT / "build/release/yaml_tool"))
AWKWARD = ["yes", "No", "on", "OFF", "y", "null", "~", "", " ", " x", "x ", "#", "a #b", "a: b", "a:", ": a", "- a", "-", "--", "---", "...",
           "?", "? a", "0123", "0o17", "0x1F", "0b1", "1e3", "1E3", "1_000", "12:30", "1:2:3", "1.", ".5", "+1", "-1", ".inf", "-.INF", ".nan",
           "2001-01-01", "2001-01-01T00:00:00Z", "=", "<<", "!a", "&a", "*a", "@", "`", "%", "|", ">", "\t", "a\tb", "\n", "a\n", "a\nb",
           "a\n\nb\n", " a\nb", "a\n b\n", "a\n\n", "a \nb", "\na", "é", "\u0085", "\u2028", "\ufeff", "\u007f", "🐘", '"', "'", "\\", "{",
           "}", "[a]", "{a: b}", "a,b", "a\r\nb", "True", "NULL", "NaN", "Infinity", "1e", "0", "-0", "00", "0.0", "1__0", "0_", "x" * 200]
TEXT = st.one_of(st.sampled_from(AWKWARD),
                 st.text(st.sampled_from(list("ab1 :#-\n\t\"'{}[],&*!|>%@\\?.~=_eExX0")), max_size=12),
                 st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff"), max_size=8))
SCALARS = st.one_of(TEXT, st.integers(-2**53, 2**53), st.booleans(), st.none(),
                    st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda f: f != int(f) or abs(f) < 1e15))
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
                         max_leaves=12).map(lambda value: {"v": value})
BATCHES = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


# A YAML reader takes neither pairs of surrogates nor these as they are, as JSON would have them.
ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "\u007f\u0085\u2028\u2029\ufeff"}


def written(documents) -> str:
    lines = "".join(json.dumps(document, ensure_ascii=False).translate(ESCAPED) + "\n" for document in documents)
    return subprocess.run([TOOL, "write"], input=lines, capture_output=True, text=True, check=True, timeout=60).stdout


def same(a, b) -> bool:
    """As JSON means it: 1 and 1.0 are one number."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) in (int, float) and type(b) in (int, float) or (type(a) is type(b) and a == b)


def check(documents, read):
    text = written(documents)
    again = read(text)
    assert len(again) == len(documents)
    for document, other in zip(documents, again):
        assert same(document, other), f"{document!r} came back as {other!r}\n{written([document])}"


def goyaml(variant):
    folder = subprocess.run([ROOT / "test/kube/build.sh", "dir"], capture_output=True, text=True).stdout.split()[-1]
    program = pathlib.Path(folder, "bin/goyaml")
    if not program.exists():
        pytest.skip("no goyaml: make kube builds it")

    def read(text):
        done = subprocess.run([program, variant], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr + text
        return [json.loads(line) for line in done.stdout.split("\n") if line]
    return read


@BATCHES
@given(st.lists(DOCUMENTS, min_size=50, max_size=150))
def test_pyyaml(documents):
    check(documents, lambda text: list(yaml.load_all(text, yaml.CSafeLoader)))


@pytest.mark.parametrize("variant", ["v2", "v3"])
def test_go(variant):
    read = goyaml(variant)

    @BATCHES
    @given(st.lists(DOCUMENTS, min_size=50, max_size=150))
    def go(documents):
        check(documents, read)
    go()


def test_awkward_texts_as_keys_and_values():
    documents = [{"v": {key: value}} for key in AWKWARD for value in AWKWARD[:20]] + [{"v": [text]} for text in AWKWARD]
    check(documents, lambda text: list(yaml.load_all(text, yaml.CSafeLoader)))
    for variant in ("v2", "v3"):
        check(documents, goyaml(variant))


# Keys are plain ones: Helm makes a "true" of a key y. Scalars as people write them, and texts in every style that PyYAML knows.
# Tags are left out: Helm passes over those that it does not know.
PLAIN = st.one_of(st.sampled_from([text for text in AWKWARD if text.isprintable()]),
                  st.text(st.sampled_from(list("ab1 :#-'\"{}[],*!|>%@.~=_eExX0")), max_size=10))
STYLES = st.fixed_dictionaries({"default_flow_style": st.sampled_from([True, False, None]), "default_style": st.sampled_from([None, "'", '"', "|", ">"]),
                                "width": st.sampled_from([10, 80]), "indent": st.sampled_from([2, 4, 7]), "allow_unicode": st.booleans()})
TEXTS = st.one_of(
    PLAIN.filter(lambda text: not text.startswith("!")).map(lambda text: f"v: {text}\n"),
    st.tuples(st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", ">1"]), st.lists(st.sampled_from(["", " ", "  a", "  b c", "    d", " e", "x: 1", "\t"]), max_size=6))
    .map(lambda block: f"v: {block[0]}\n" + "\n".join(block[1]) + "\n"),
    st.tuples(st.dictionaries(st.sampled_from(["a", "b c", "d: e"]), st.one_of(SCALARS, st.lists(SCALARS, max_size=4)), min_size=1), STYLES).map(lambda pair: yaml.dump(pair[0], **pair[1])))


def test_reads_what_helm_reads():
    read = goyaml("v2")

    def ours(text):
        done = subprocess.run([TOOL, "read"], input=text, capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in done.stdout.split("\n") if line] if done.returncode == 0 else done.stderr

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TEXTS)
    def check_text(text):
        try:
            theirs = read(text)
        except AssertionError:
            return  # what Helm refuses is not judged here
        mine = ours(text)
        assert not isinstance(mine, str), f"{text!r} is {theirs!r} for Helm; ours says {mine}"
        assert len(mine) == len(theirs) and all(map(same, mine, theirs)), f"{text!r} is {theirs!r} for Helm, {mine!r} for us"
    check_text()
