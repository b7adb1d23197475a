"""The generated table is what crdgen makes of the CRDs, and small CRDs come out as they should."""

import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "src/cnpg/crd_table.gen.cc"


def generate(*arguments) -> str:
    return subprocess.run([sys.executable, HERE / "crdgen.py", *map(str, arguments)], capture_output=True, text=True,
                          check=True).stdout


def crds() -> list[str]:
    """The arguments that crdgen.sh gives, from the modules that are here already."""
    cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True)
    arguments = []
    for version in (HERE / "versions").read_text().split():
        folder = pathlib.Path(cache.stdout.strip(), f"github.com/cloudnative-pg/cloudnative-pg@v{version}/config/crd/bases")
        if cache.returncode or not folder.is_dir():
            pytest.skip(f"CloudNativePG {version} is not in the module cache: make crds fetches it")
        arguments.append(f"{version}={folder}")
    return [*arguments, f"1.30.0={HERE}/data/cnpg-1.30.0-crds.yaml.gz",
            f"barman={HERE}/data/barmancloud.cnpg.io_objectstores.yaml.gz"]


def test_the_table_is_up_to_date():
    try:
        arguments = crds()
    except FileNotFoundError:
        pytest.skip("no Go")
    assert generate(*arguments) == TABLE.read_text(), "make crds"


def test_the_table_says_where_it_comes_from():
    assert "crdgen" in TABLE.read_text()[:400]
