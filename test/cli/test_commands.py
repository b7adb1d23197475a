"""The commands as people and machines call them."""

import json
import os
import pathlib
import resource
import signal
import stat
import subprocess

import golden
import jsonschema
import pytest
import yaml

EXAMPLES = sorted((golden.ROOT / "test/examples").glob("*.yaml"))
VALUES = "clusters:\n  main:\n    enabled: true\n    databases:\n      - {name: app, owner: app}\n    poolers: [{name: rw}]\n"


@pytest.fixture
def values(tmp_path) -> pathlib.Path:
    path = tmp_path / "values.yaml"
    path.write_text(VALUES)
    return path


def template(*arguments, **options) -> list[dict]:
    done = golden.run("template", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, yaml.CSafeLoader)]


def names(objects) -> list[str]:
    return [f"{obj['kind']}/{obj['metadata']['name']}" for obj in objects]


def test_usage_errors_exit_with_2(values):
    for arguments in (["frobnicate"], [], ["template", "--no-such-flag"], ["template", "-o", "toml", "-f", str(values)],
                      ["validate"], ["template", "-f", str(values), "--cnpg-version", "9.9"]):
        done = subprocess.run([golden.program(), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 2, (arguments, done.stderr)
        assert done.stderr and not done.stdout


def test_a_file_given_as_the_release_is_recognised(values):
    done = golden.run("validate", values.name, cwd=values.parent)
    assert f"did you mean -f {values.name}?" in done.stderr


def test_stdin_and_json_and_yaml_agree(values):
    with golden.KeyFile() as key:
        from_file = template("-f", values, "--password-key-file", key)
        from_stdin = template("-f", "-", "--password-key-file", key, stdin=VALUES)
        as_json = json.loads(golden.run("template", "-o", "json", "-f", values, "--password-key-file", key).stdout)
    assert from_file == from_stdin == as_json["items"]
    assert (as_json["apiVersion"], as_json["kind"]) == ("v1", "List")


def test_json_of_nothing_is_json(values):
    done = golden.run("template", "-o", "json", "--set", "clusters.main.enabled=false")
    assert json.loads(done.stdout)["items"] == []


def test_generated_passwords_differ_and_are_said_to(values):
    first, second = (golden.run("template", "-f", values) for _ in range(2))
    assert first.stdout != second.stdout
    assert "another run prints others" in first.stderr and "--password-key-file" in first.stderr
    secret = yaml.safe_load(first.stdout.split("---\n")[1])["data"]["password"]
    assert secret not in first.stderr


def test_several_files_and_sets_merge_as_helm_does(values, tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text("clusters: {main: {instances: 5, poolers: ~}}\n")
    secret = tmp_path / "image"
    secret.write_text("registry.example.com/postgresql:16.4")
    objects = template("prod", "-f", values, "-f", over, "-n", "data", "--set", "clusters.main.storage.size=7Gi,clusters.main.instances=4",
                       "--set-string", "clusters.main.maxConnections=77", "--set-file", f"clusters.main.imageName={secret}",
                       "--set-json", 'clusters.main.resources={"requests":{"memory":"2Gi"}}')
    cluster = next(obj for obj in objects if obj["kind"] == "Cluster")
    spec = cluster["spec"]
    assert (spec["instances"], spec["storage"]["size"], spec["imageName"]) == (4, "7Gi", "registry.example.com/postgresql:16.4")
    assert spec["postgresql"]["parameters"]["max_connections"] == "77" and spec["resources"]["requests"]["memory"] == "2Gi"
    assert not any(obj["kind"] == "Pooler" for obj in objects)
    assert {obj["metadata"]["namespace"] for obj in objects} == {"data"}
    assert {obj["metadata"]["labels"]["app.kubernetes.io/instance"] for obj in objects} == {"prod"}


def test_show_only(values):
    assert names(template("-f", values, "-s", "Cluster/main")) == ["Cluster/main"]
    assert names(template("-f", values, "-s", "pooler", "-s", "Database/main-app")) == ["Database/main-app", "Pooler/main-pooler-rw"]
    done = golden.run("template", "-f", values, "-s", "Cluster/mian")
    assert done.returncode == 1 and 'did you mean "Cluster/main"?' in done.stderr


def test_output_dir(values, tmp_path):
    folder = tmp_path / "out"
    done = golden.run("template", "-f", values, "--output-dir", folder, "-n", "data")
    assert done.returncode == 0
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert sorted(done.stdout.split()) == [str(path) for path in files]
    assert str(folder / "data" / "cluster-main.yaml") in done.stdout
    for path in files:
        secret = yaml.safe_load(path.read_text())["kind"] == "Secret"
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if secret else 0o644 & ~current_umask())


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_output_dir_that_cannot_be_made(values, tmp_path):
    (tmp_path / "file").write_text("")
    done = golden.run("template", "-f", values, "--output-dir", tmp_path / "file" / "below")
    assert done.returncode == 1 and "cannot write" in done.stderr


def test_keygen(tmp_path, values):
    path = tmp_path / "key"
    assert golden.run("keygen", "-o", path).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = golden.run("keygen", "-o", path)
    assert again.returncode == 1 and "would change every password" in again.stderr
    assert template("-f", values, "--password-key-file", path) == template("-f", values, "--password-key-file", path)
    path.chmod(0o644)
    done = golden.run("template", "-f", values, "--password-key-file", path)
    assert done.returncode == 1 and path.read_text().strip() not in done.stderr and not done.stdout
    assert golden.run("keygen").stdout != golden.run("keygen").stdout


def test_derive_needs_a_key(values):
    done = golden.run("template", "-f", values, "--set", "clusters.main.roleSecrets.source=derive")
    assert done.returncode == 1 and "--password-key-file" in done.stderr and not done.stdout


def test_validate_for_machines():
    mistakes = golden.ROOT / "test/mistakes/many.yaml"
    as_json = json.loads(golden.run("validate", "-o", "json", "-f", mistakes).stdout)
    sarif = json.loads(golden.run("validate", "-o", "sarif", "-f", mistakes).stdout)
    text = golden.run("validate", "-f", mistakes).stderr
    results = sarif["runs"][0]["results"]
    said = text.count(": error: ") + text.count(": warning: ")
    assert sarif["version"] == "2.1.0" and len(results) == len(as_json["diagnostics"]) == said
    assert {"line", "column", "code", "message"} <= as_json["diagnostics"][0].keys()


def test_schema_is_a_schema_and_takes_every_example():
    schema = json.loads(golden.run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in EXAMPLES:
        document = yaml.safe_load(path.read_text())
        for cluster in document["clusters"].values():  # the one spelling that is mended
            cluster.get("additionalClusterSpec", {}).get("affinity", {}).pop("podAntiAffinity", None)
        assert not list(validator.iter_errors(document)), path.name
    assert list(validator.iter_errors({"clusters": {"main": {"enabled": True, "instances": "many"}}}))
    assert list(validator.iter_errors({"clusters": {"main": {"enabled": True, "additionalClusterSpec": {"afinity": {}}}}}))


def test_schema_knows_versions():
    fields = [json.loads(golden.run("schema", "--cnpg-version", version).stdout)["$defs"]["Cluster.spec.partial"]["properties"]
              for version in ("1.25", "1.29")]
    assert "podSelectorRefs" not in fields[0] and "podSelectorRefs" in fields[1]


def test_init_is_valid_and_so_is_what_it_comments_out():
    text = golden.run("init").stdout
    done = golden.run("validate", "-f", "-", "--strict", stdin=text)
    assert done.returncode == 0, done.stderr
    lines = []
    for line in text.splitlines():
        bare = line.lstrip()
        if bare.startswith("# ") and (":" in bare or bare.startswith("# -")) and not bare.startswith(("# Databases", "# `", "# One", "# a Secret", "# PgB", "# Base")):
            line = line.replace("# ", "", 1)
        lines.append(line)
    done = golden.run("validate", "-f", "-", stdin="\n".join(lines))
    assert done.returncode == 0, done.stderr + "\n".join(lines)


def test_values_reference_is_up_to_date():
    text = (golden.ROOT / "docs/values.md").read_text()
    assert golden.run("schema", "-o", "markdown").stdout in text, "make docs"


def test_every_error_code_is_documented():
    codes = set()
    for path in golden.ROOT.glob("src/*/*.cc"):
        if "_test" in path.name or "_pgtest" in path.name:
            continue
        words = path.read_text().replace("\n", " ").split('"')
        for before, code in zip(words, words[1:]):
            if before.rstrip().endswith(("error(", "warning(", "refuse(", "collide(context,")) and code.replace("-", "").isalpha():
                codes.add(code)
    documented = (golden.ROOT / "docs/errors.md").read_text()
    assert len(codes) > 50
    assert sorted(code for code in codes if f"`{code}`" not in documented) == []


def test_version_and_help():
    assert golden.run("version").stdout.startswith("cnpg-dbm 0.")
    assert golden.run("--version").stdout.strip() in golden.run("version").stdout
    for command in ("validate", "template", "schema", "explain", "init", "keygen", "krm", "audit", "version"):
        done = golden.run(command, "--help")
        assert done.returncode == 0 and "Usage:" in done.stdout


RESOURCE_LIST = """
apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig:
  apiVersion: cnpg-dbm/v1
  kind: DatabaseValues
  metadata: {name: shop, namespace: data}
  options: {cnpgVersion: "1.29", passwordKeyFile: KEY}
  spec:
    clusters:
      main:
        enabled: true
        databases: [{name: app, owner: app}]
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: theirs, namespace: data}
  - apiVersion: postgresql.cnpg.io/v1
    kind: Cluster
    metadata: {name: main, namespace: data}
    spec: {instances: 1}
"""


@pytest.mark.parametrize("arguments", [[], ["krm"]], ids=["as kustomize calls it", "by name"])
def test_krm_function(arguments):
    with golden.KeyFile() as key:
        done = golden.run(*arguments, stdin=RESOURCE_LIST.replace("KEY", key))
        expected = template("shop", "-f", "-", "-n", "data", "--password-key-file", key,
                            stdin=yaml.dump(yaml.safe_load(RESOURCE_LIST)["functionConfig"]["spec"]))
    assert done.returncode == 0, done.stderr
    out = yaml.safe_load(done.stdout)
    assert out["kind"] == "ResourceList" and names(out["items"])[0] == "ConfigMap/theirs"
    assert out["items"][1:] == expected, "what was there of ours is replaced"


def test_krm_function_that_refuses():
    done = golden.run("krm", stdin=RESOURCE_LIST.replace("enabled: true", "enabld: true"))
    assert done.returncode == 1 and 'did you mean "enabled"?' in done.stderr
    out = yaml.safe_load(done.stdout)
    assert [item["metadata"]["name"] for item in out["items"]] == ["theirs", "main"], "nothing is lost"
    assert any(result["severity"] == "error" and "enabld" in result["message"] for result in out["results"])


def test_krm_with_no_resource_list():
    done = golden.run("krm", stdin="hello: world\n")
    assert done.returncode == 2 and "ResourceList" in done.stderr


def test_kustomize_runs_it_as_a_generator(tmp_path):
    kustomize = find_kustomize()
    if kustomize is None:
        pytest.skip("no kustomize: make kube builds it")
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(golden.KEY)
    (tmp_path / "kustomization.yaml").write_text("generators: [databases.yaml]\nnamePrefix: ''\n")
    (tmp_path / "cnpg-dbm").symlink_to(golden.program())
    config = yaml.safe_load(RESOURCE_LIST)["functionConfig"]
    config["metadata"]["annotations"] = {"config.kubernetes.io/function": "exec:\n  path: ./cnpg-dbm\n"}
    config["options"]["passwordKeyFile"] = str(tmp_path / "key")
    (tmp_path / "databases.yaml").write_text(yaml.dump(config))
    done = subprocess.run([kustomize, "build", "--enable-alpha-plugins", "--enable-exec", str(tmp_path)], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert {"Cluster/main", "Database/main-app", "Secret/main-app-app", "Secret/main-app-password"} == set(
        names(yaml.safe_load_all(done.stdout)))


def find_kustomize() -> str | None:
    built = subprocess.run([golden.ROOT / "test/kube/build.sh", "dir"], capture_output=True, text=True).stdout.split()
    path = f"{built[-1]}/bin/kustomize"
    return path if os.access(path, os.X_OK) else None


def test_no_core_is_dumped(tmp_path):
    """Passwords are in memory: the program ends without a core, whatever the limits allow."""
    def allow_cores():
        resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([golden.program(), "template", "-f", str(pipe)], cwd=tmp_path, stdout=subprocess.DEVNULL,
                               preexec_fn=allow_cores)
    with pipe.open("w"):  # it is open when the program reads
        process.send_signal(signal.SIGQUIT)
        _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGQUIT
    assert not os.WCOREDUMP(status)


def test_a_folder_of_output_follows_no_link(values, tmp_path):
    out = tmp_path / "out"
    arguments = ["template", "-f", str(values), "--output-dir", str(out)]
    assert golden.run(*arguments).returncode == 0
    secret = next(out.rglob("secret-*.yaml"))
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    watched = secret.open()  # somebody who has the old file open
    before = watched.read()
    assert golden.run(*arguments).returncode == 0
    assert secret.stat().st_ino != os.fstat(watched.fileno()).st_ino and before
    watched.close()

    target = tmp_path / "of-somebody-else"
    target.write_text("untouched")
    secret.unlink()
    secret.symlink_to(target)
    done = golden.run(*arguments)
    assert done.returncode == 1 and "not a regular file" in done.stderr, done.stderr
    assert target.read_text() == "untouched"
