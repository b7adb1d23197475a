"""What cnpg-dbm prints for the files of test/examples, test/values and test/mistakes, kept in test/golden.

golden.py --accept [--program PATH]     takes what it prints now (`make accept`)
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "test" / "golden"
KEY = "cnpg-dbm-key-v1:" + "A" * 43 + "="  # 32 zero bytes: the same passwords in every run


def program() -> str:
    return os.environ.get("CNPG_DBM", str(ROOT / "build/release/cnpg-dbm"))


def run(*arguments, stdin: str | bytes = "", cwd=ROOT, env=None) -> subprocess.CompletedProcess:
    """cnpg-dbm with these arguments; text unless bytes went in."""
    return subprocess.run([program(), *map(str, arguments)], input=stdin, capture_output=True, cwd=cwd,
                          text=not isinstance(stdin, bytes), timeout=60, env={**os.environ, **(env or {})})


class KeyFile:
    """The key of the tests in a file of mode 0600."""

    def __enter__(self) -> str:
        self.folder = tempfile.mkdtemp(prefix="dbm-golden-")
        path = pathlib.Path(self.folder, "key")
        path.touch(mode=0o600)
        path.write_text(KEY + "\n")
        return str(path)

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def cases() -> dict[str, list[str]]:
    """Arguments by the name of the golden file."""
    found = {}
    for folder in ("examples", "values"):
        for path in sorted((ROOT / "test" / folder).glob("*.yaml")):
            found[f"{path.stem}.yaml"] = ["template", "-f", f"test/{folder}/{path.name}", "-n", "tenants"]
    for path in sorted((ROOT / "test" / "mistakes").glob("*.yaml")):
        found[f"mistakes-{path.stem}.txt"] = ["validate", "-f", f"test/mistakes/{path.name}"]
    for name in ("many", "webhook"):
        for output in ("json", "sarif"):
            found[f"mistakes-{name}.{output}"] = ["validate", "-o", output, "-f", f"test/mistakes/{name}.yaml"]
    found["mistakes-version-1.25.txt"] = ["validate", "-f", "test/mistakes/version.yaml", "--cnpg-version", "1.25"]
    found["operations-1.26.yaml"] = ["template", "-f", "test/values/operations.yaml", "--cnpg-version", "1.26"]
    found["isolation.list.json"] = ["template", "-o", "json", "-f", "test/values/isolation.yaml"]
    found["explain-s3.txt"] = ["explain", "clusters.backup.s3"]
    found["explain-affinity.txt"] = ["explain", "clusters.main.additionalClusterSpec.affinity"]
    found["explain.txt"] = ["explain"]
    found["init.yaml"] = ["init"]
    found["schema.json"] = ["schema"]
    found["help.txt"] = ["--help"]
    found["help-template.txt"] = ["template", "--help"]
    return found


def transcript(arguments: list[str], key: str) -> str:
    """Everything that the program says: its result, then what it says besides and its exit code, as comments."""
    if arguments[0] == "template" and "--help" not in arguments:
        arguments = [*arguments, "--password-key-file", key]
    done = run(*arguments, env={"NO_COLOR": "1"})
    if not done.stderr and not done.returncode:
        return done.stdout
    said = "".join(f"# {line}\n" if line else "#\n" for line in done.stderr.splitlines())
    return f"{said}# exit code {done.returncode}\n{done.stdout}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--accept", action="store_true", required=True)
    parser.add_argument("--program")
    options = parser.parse_args()
    if options.program:
        os.environ["CNPG_DBM"] = str(pathlib.Path(options.program).resolve())
    GOLDEN.mkdir(exist_ok=True)
    expected = cases()
    for path in GOLDEN.iterdir():
        if path.name not in expected:
            path.unlink()
            print(f"removed {path.name}")
    with KeyFile() as key:
        for name, arguments in expected.items():
            text, path = transcript(arguments, key), GOLDEN / name
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
                print(f"accepted {name}")


if __name__ == "__main__":
    main()
