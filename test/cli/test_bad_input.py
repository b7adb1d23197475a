"""Hostile and broken input: a clear message, the right exit code, no crash, no secret told."""

import os
import pathlib
import resource
import subprocess

import golden
import pytest

SOUND = "clusters:\n  main:\n    enabled: true\n    databases:\n      - {name: app, owner: app}\n"


def validate(text: str | bytes, *flags) -> subprocess.CompletedProcess:
    data = text if isinstance(text, bytes) else text.encode()
    done = golden.run("validate", "-f", "-", *flags, stdin=data, env={"NO_COLOR": "1"})
    assert done.returncode in (0, 1, 2), done.stderr[-2000:]
    return done


def refused(text: str | bytes, *expected: str, flags=()):
    done = validate(text, *flags)
    said = done.stderr.decode()
    assert done.returncode == 1, said
    for part in expected:
        assert part in said
    assert len(said) < 20_000, "a short file deserves a short answer"
    return said


@pytest.mark.parametrize("text, expected", {
    "not YAML": ("clusters: [", ["<stdin>:", "not YAML"]),
    "a list at the top": ("- a\n- b\n", ["a values file is a map, not a list", "<stdin>:1:1"]),
    "a word at the top": ("hello\n", ["a values file is a map, not a string"]),
    "tabs": ("clusters:\n\tmain:\n\t\tenabled: true\n", ["<stdin>:2:1", "a tab cannot indent YAML"]),
    "a template": ("clusters:\n  {{ .Release.Name }}:\n    enabled: true\n", ["<stdin>:2"]),
    "an unknown key": ("clustrs: {}\n", ['unknown key "clustrs"', 'did you mean "clusters"?']),
    "a key at the wrong place": ("poolers: []\n", ["it belongs under clusters.<name>"]),
    "a duplicate key": ("clusters: {}\nclusters: {}\n", ["<stdin>:2:1", "<stdin>:1:1"]),
    "a map for a list": (SOUND + "    poolers: {}\n", ["poolers must be a list, not a map"]),
    "a list for a text": (SOUND + "    imageName: [a]\n", ["imageName must be a string, not a list"]),
    "a word for a boolean": ("clusters: {main: {enabled: maybe}}\n", ["enabled must be true or false"]),
    "no enabled": ("clusters: {main: {}}\n", ["enabled is required"]),
    "negative instances": (SOUND + "    instances: -1\n", ["instances is -1"]),
    "huge instances": (SOUND + "    instances: 99999999999999999999\n", ["instances"]),
    "instances beyond 32 bits": (SOUND + "    instances: 2147483648\n", ["2147483647"]),
    "a fraction of an instance": (SOUND + "    instances: 2.5\n", ["instances must be a whole number"]),
    "a bad quantity": (SOUND + "    storage: {size: 10GB}\n", ['"10GB" is no Kubernetes quantity']),
    "no size": (SOUND + "    storage: {size: 0}\n", ["size"]),
    "a name of 64 bytes": (f"clusters:\n  main:\n    enabled: true\n    databases: [{{name: {'x' * 64}, owner: a}}]\n",
                           ["64"]),
    "a cluster's name of 51 bytes": (f"clusters:\n  {'x' * 51}: {{enabled: true}}\n", ["50"]),
    "colliding names": ("clusters:\n  main:\n    enabled: true\n    databases:\n      - {name: a_b, owner: a}\n"
                        "      - {name: A-b, owner: b}\n", ['"a_b" and "A-b" would both be', "<stdin>:5", "<stdin>:6"]),
    "invalid UTF-8": (b"clusters: {main: {imageName: \xff\xfe}}\n", ["0xFF is no UTF-8 text", "<stdin>:1:30"]),
    "UTF-16": ("clusters: {}\n".encode("utf-16"), ["UTF-16"]),
    "a NUL byte": (b"clusters: {}\n# \0\n", ["<stdin>:2:3", "NUL byte"]),
    "an unknown alias": ("clusters: *nothing\n", ["no anchor &nothing"]),
    "an unknown tag": ("clusters: !!python/object:os.system {}\n", ["tag"]),
    "two documents": ("clusters: {}\n---\nclusters: {}\n", ["more than one YAML document"]),
    "a schedule of words": (SOUND + "    backup: {enabled: true, schedule: nightly, s3: {bucket: b}}\n", ["is no schedule"]),
    "an empty name": ("clusters: {main: {enabled: true, databases: [{name: '', owner: a}]}}\n", ["name"]),
    "an empty item": ("clusters: {main: {enabled: true, databases: [~]}}\n", ["an item of this list is empty"]),
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_refused(text, expected):
    content, parts = expected
    refused(content, *parts)


def test_empty_file_is_said_to_be_empty():
    for text in ("", "\n\n", "# only a comment\n", "---\n"):
        done = validate(text)
        assert done.returncode == 0 and b"the values file is empty" in done.stderr


def test_crlf_and_bom_are_read():
    for text in (SOUND.replace("\n", "\r\n"), "\ufeff" + SOUND):
        done = validate(text)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"valid: 1 cluster, 1 database")


def test_all_mistakes_in_one_run():
    said = refused("clusters:\n  main:\n    enabled: true\n    instnces: 1\n    imageName: x:latest\n    storage: {size: big}\n"
                   "    walStorage: {enabled: 3.5}\n", "enabled must be", '"instances"', '"big" is no Kubernetes quantity', "latest")
    assert said.count(": error: ") == 4


def limited():
    """Two gigabytes of memory: what swallows more fails instead of dragging the machine down."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


@pytest.mark.parametrize("text", [
    b"[" * 10_000_000,
    b"{a: " * 2_500_000,
    b"- " * 5_000_000,
    b"".join(b" " * i + b"a:\n" for i in range(3000)),
], ids=["lists", "maps", "dashes", "indent"])
def test_ten_megabytes_of_nesting(text):
    done = subprocess.run([golden.program(), "validate", "-f", "-"], input=text, capture_output=True, timeout=60,
                          preexec_fn=limited)
    assert done.returncode == 1
    assert b"deep" in done.stderr and len(done.stderr) < 5000


@pytest.mark.parametrize("levels, width", [(9, 10), (30, 2)])
def test_alias_bomb(levels, width):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    text = "\n".join(lines) + f"\nclusters: *a{levels - 1}\n"
    done = subprocess.run([golden.program(), "validate", "-f", "-"], input=text.encode(), capture_output=True, timeout=60,
                          preexec_fn=limited)
    assert done.returncode == 1 and b"alias" in done.stderr


def test_a_file_that_vanished(tmp_path):
    done = golden.run("validate", "-f", tmp_path / "gone.yaml")
    assert done.returncode == 1 and "gone.yaml: No such file or directory" in done.stderr


def test_a_directory(tmp_path):
    done = golden.run("validate", "-f", tmp_path)
    assert done.returncode == 1 and "it is a directory" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "values.yaml"
    path.touch(mode=0o000)
    done = golden.run("validate", "-f", path)
    assert done.returncode == 1 and "Permission denied" in done.stderr


@pytest.mark.parametrize("command", [["template"], ["template", "-o", "json"], ["validate"]])
def test_a_full_disk(tmp_path, command):
    path = tmp_path / "values.yaml"
    path.write_text(SOUND)
    with open("/dev/full", "w") as full:
        done = subprocess.run([golden.program(), *command, "-f", str(path)], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "cannot write the result: No space left on device" in done.stderr


def test_a_closed_pipe(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text("clusters:\n" + "".join(
        f"  c{i}:\n    enabled: true\n    databases: [{{name: app, owner: app}}]\n" for i in range(500)))
    reader, writer = os.pipe()
    with subprocess.Popen([golden.program(), "template", "-f", str(path)], stdout=writer, stderr=subprocess.PIPE, text=True) as run:
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        said = run.stderr.read()
    assert run.returncode == 1
    assert "its reader closed the pipe" in said


def test_control_characters_do_not_reach_the_terminal():
    said = refused("clusters:\n  main:\n    enabled: true\n    \"\\e[31mred\": 1\n", "\\x1B")
    assert "\x1b" not in said


def test_no_secret_is_quoted():
    said = refused(SOUND + "    backup:\n      enabled: true\n      s3:\n        bucket: b\n        accessKeyId: id\n"
                   "        secretAccessKey: [hunter2]\n", "secretAccessKey must be a string")
    assert "hunter2" not in said


def test_every_stage_of_set_is_told_with_its_place(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text(SOUND)
    for flags, expected in {
        ("--set", "clusters.main.instances[x]=1"): "--set:1:",
        ("--set-json", "clusters={"): "--set-json:",
        ("--set-file", "clusters.main.imageName=/does/not/exist"): "No such file",
        ("--set", "clusters.main.instances=few"): "instances must be a whole number",
    }.items():
        done = golden.run("validate", "-f", path, *flags)
        assert done.returncode == 1 and expected in done.stderr, done.stderr
