"""Completions as the shells themselves make them, the manual as man shows it, and what is installed."""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import golden
import pytest


def need(program: str) -> str:
    return shutil.which(program) or pytest.skip(f"there is no {program}")


def run(*arguments, env=None, **options) -> str:
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(env or {})}, **options)
    assert done.returncode == 0 and not done.stderr, (arguments, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A folder with the program under its names, and what paths are completed from."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for name in ("cnpg-dbm", "kubectl-dbm", "kubectl_complete-dbm"):
        (bin / name).symlink_to(pathlib.Path(golden.program()).resolve())
    (tmp_path / "values.yaml").write_text("")
    (tmp_path / "valleys").mkdir()
    return tmp_path


def path_of(folder) -> dict[str, str]:
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}"}


CASES = [  # the words, the last one being typed; what stands there then
    (["te"], ["template"]),
    (["template", "--out"], ["--output", "--output-dir"]),
    (["template", "-o", ""], ["yaml", "json"]),
    (["template", "-f", "x", "--output", "j"], ["json"]),
    (["audit", "--attempts", "s"], ["sample"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["restore", "--im"], ["--immediate"]),
    (["template", "-f", "val"], ["valleys", "values.yaml"]),
    (["template", "--output-dir", "val"], ["valleys"]),
    (["template", "shop", "te"], []),
    (["template", "--", "--out"], []),
    (["--"], ["--help", "--version"]),
    (["nonsense", "--out"], []),
]


def of_bash(folder, words: list[str], command="cnpg-dbm") -> list[str]:
    array = " ".join(f"'{word}'" for word in [command, *words])
    script = f"source <(cnpg-dbm completion bash); COMP_WORDS=({array}); COMP_CWORD={len(words)}; _cnpg_dbm; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return run("bash", "--norc", "-c", script, cwd=folder, env=path_of(folder)).split()


@pytest.mark.parametrize("words, expected", CASES)
def test_bash(folder, words, expected):
    assert sorted(of_bash(folder, words)) == sorted(expected)


def test_bash_takes_words_apart_at_equals(folder):
    assert of_bash(folder, ["template", "--output", "=", "j"]) == ["json"]
    assert of_bash(folder, ["template", "--output", "="]) == ["yaml", "json"]
    assert of_bash(folder, ["template", "--values", "=", "valu"]) == ["values.yaml"]
    assert of_bash(folder, ["template", "--values", "=", "x", "--output", "=", "y"]) == ["yaml"]
    assert of_bash(folder, ["template", "--set", "a", "=", "b", "--str"]) == ["--strict"]


def test_bash_completes_a_path_to_the_program(folder):
    assert of_bash(folder, ["va"], command=f"{folder}/bin/cnpg-dbm") == ["validate"]
    run("bash", "-n", "-c", golden.run("completion", "bash").stdout)


@pytest.mark.parametrize("words, expected", [*CASES, (["template", "--output=j"], ["--output=json"]), (["template", "--values=valu"], ["--values=values.yaml"])])
def test_fish(folder, words, expected):
    env = {**path_of(folder), "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "data")}
    line = " ".join(["cnpg-dbm", *words])
    said = run(need("fish"), "--no-config", "-c", f"cnpg-dbm completion fish | source; complete -C '{line}'", cwd=folder, env=env)
    assert sorted(candidate.split("\t")[0].rstrip("/") for candidate in said.splitlines()) == sorted(expected)


# What the completion system would show: zsh has it in an interactive shell only.
ZSH = """
compdef() { registered="$*" }
_describe() { local v; for v in "${(@P)4}"; do print -r -- "${${v//\\\\:/:}%%:*}"; done }
_files() { local -a found; if [[ $1 == -/ ]]; then found=(${PREFIX}*(N/)); else found=(${PREFIX}*(N)); fi; (( $#found )) && print -rl -- $found }
compset() { PREFIX=${PREFIX#${~3}} }
source =(cnpg-dbm completion zsh)
[[ $registered == "_cnpg-dbm cnpg-dbm kubectl-dbm" ]] || print "not registered: $registered"
words=(cnpg-dbm "$@") CURRENT=$#words PREFIX=$words[-1]
_cnpg-dbm
"""


@pytest.mark.parametrize("words, expected", [*CASES, (["template", "--output=j"], ["--output=json"]), (["template", "--values=valu"], ["values.yaml"])])
def test_zsh(folder, words, expected):
    zsh = need("zsh")
    run(zsh, "-n", "-c", golden.run("completion", "zsh").stdout)
    said = subprocess.run([zsh, "-f", "-c", ZSH, "zsh", *words], cwd=folder, env={**os.environ, **path_of(folder)}, capture_output=True, text=True, timeout=60)
    assert not said.stderr and sorted(said.stdout.split()) == sorted(expected)


def test_kubectl_completes_and_runs_the_plugin(folder):
    kubectl, env = need("kubectl"), path_of(folder)
    said = run(kubectl, "dbm", "--help", env=env)
    assert "Usage: kubectl dbm [OPTIONS] SUBCOMMAND" in said
    done = subprocess.run([kubectl, "__complete", "dbm", "template", "--output", ""], env={**os.environ, **env}, capture_output=True, text=True, timeout=60)
    assert done.stdout == "yaml\njson\n:4\n"


def test_as_a_plugin_it_is_called_kubectl_dbm(folder):
    plugin = folder / "bin/kubectl-dbm"
    done = subprocess.run([plugin, "template", "--nonsense"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("kubectl dbm: ") and "`kubectl dbm template --help`" in done.stderr
    assert "Usage: kubectl dbm up " in run(plugin, "up", "--help")
    done = subprocess.run([plugin, "psql", "none", "--dir", folder / "engine", "--run-as", "nobody"], capture_output=True, text=True)
    assert done.returncode == 1 and "cnpg-dbm" not in done.stderr and done.stderr.startswith("kubectl dbm: error: ")


def commands() -> list[str]:
    listed = golden.run("--help").stdout.split("Subcommands:\n")[1]
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def test_the_manual_has_everything_and_no_warnings(tmp_path):
    page = tmp_path / "cnpg-dbm.1"
    page.write_text(golden.run("man").stdout)
    assert page.read_text().isascii()
    shown = run(need("man"), "--warnings", "-l", page, env={"MANPAGER": "cat", "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""})
    shown = re.sub(".\b", "", shown).replace("\u2010", "-")
    run(need("groff"), "-ww", "-man", "-Tascii", page)
    for command in commands():
        assert f"\n       cnpg-dbm {command}" in shown
        for flag in re.findall(r"^  (?:-\w,)?(--[\w-]+)", golden.run(command, "--help").stdout, re.MULTILINE):
            assert flag in shown, (command, flag)


def test_the_manual_tells_every_exit_code():
    exits = golden.run("man").stdout.split(".SH EXIT STATUS")[1].split(".SH ")[0]
    codes = re.findall(r"^  k\w+ = (\d+),", (golden.ROOT / "src/cli/cli.h").read_text(), re.MULTILINE)
    assert len(codes) > 4
    assert [code for code in codes if f"\\fB{code}\\fR" not in exits] == []


def test_the_manual_names_the_variables_that_are_read():
    page = golden.run("man").stdout.replace("\\-", "-")
    for path in sorted((golden.ROOT / "src").rglob("*.cc")):
        if not path.stem.endswith("test"):
            for name in re.findall(r'(?:getenv|environment)\("([A-Z_]+)"\)', path.read_text()):
                assert name in page, (path, name)


def test_install(tmp_path):
    build = pathlib.Path(golden.program()).resolve().parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the program stands in no build folder")
    subprocess.run([need("cmake"), "--install", build, "--prefix", "/usr"], env={**os.environ, "DESTDIR": str(tmp_path)}, check=True, capture_output=True, timeout=60)
    share, bin = tmp_path / "usr/share", tmp_path / "usr/bin"
    for path, arguments in {"man/man1/cnpg-dbm.1": ["man"], "bash-completion/completions/cnpg-dbm": ["completion", "bash"],
                            "zsh/site-functions/_cnpg-dbm": ["completion", "zsh"], "fish/vendor_completions.d/cnpg-dbm.fish": ["completion", "fish"]}.items():
        assert (share / path).read_text() == golden.run(*arguments).stdout
        assert stat.S_IMODE((share / path).stat().st_mode) == 0o644
    for name in ("kubectl-dbm", "kubectl_complete-dbm"):
        assert os.readlink(bin / name) == "cnpg-dbm"
    assert run(bin / "kubectl_complete-dbm", "keyg") == "keygen\tMake a master key for derived passwords\n:4\n"
