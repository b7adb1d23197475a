"""The README's examples are accepted by a real API server, and known mistakes are refused by it and by validate."""

import copy
import json
import pathlib
import random

import kubejudge
import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = sorted((HERE.parent / "examples").glob("*.yaml"))
MISTAKES = yaml.safe_load((HERE / "mistakes.yaml").read_text())

API = "postgresql.cnpg.io/v1"
# What a mistake is merged into: (apiVersion, kind, spec, key of the values file that carries any field of it)
SOUND = {
    "spec": (API, "Cluster", {"instances": 3, "storage": {"size": "10Gi"}}, "additionalClusterSpec"),
    "database": (API, "Database", {"name": "app", "owner": "app", "cluster": {"name": "main"}}, "additionalDatabaseSpec"),
    "pooler": (API, "Pooler", {"type": "rw", "cluster": {"name": "main"}, "pgbouncer": {"poolMode": "session"}},
               "additionalPoolerSpec"),
    "scheduledBackup": (API, "ScheduledBackup", {"schedule": "0 0 0 * * *", "cluster": {"name": "main"}}, None),
    "imageCatalog": (API, "ImageCatalog", {"images": [{"major": 17, "image": "a:17.1"}]}, None),
    "objectStore": ("barmancloud.cnpg.io/v1", "ObjectStore", {"configuration": {
        "destinationPath": "s3://b/p", "s3Credentials": {"inheritFromIAMRole": True}}}, None),
}


def merged(base, over):
    """`over` laid over `base`, maps deeply; a null removes."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return copy.deepcopy(over)
    result = {key: value for key, value in base.items() if key not in over}
    for key, value in over.items():
        if value is not None:
            result[key] = merged(base.get(key), value)
    return result


def raw_object(mistake) -> dict | None:
    if "object" in mistake:
        return mistake["object"]
    for key, (api_version, kind, spec, _) in SOUND.items():
        if key in mistake:
            return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "main" if key == "spec" else "main-it"},
                    "spec": merged(spec, mistake[key])}
    return None


def values_file(mistake) -> dict:
    if "values" in mistake:
        return mistake["values"]
    cluster = {"enabled": True, "instances": 3, "databases": [{"name": "app", "owner": "app"}]}
    if "cluster" in mistake:
        return {"clusters": {"main": merged(cluster, mistake["cluster"])}}
    if "spec" in mistake:
        cluster["additionalClusterSpec"] = mistake["spec"]
    if "database" in mistake:
        cluster["databases"][0]["additionalDatabaseSpec"] = mistake["database"]
    if "pooler" in mistake:
        cluster["poolers"] = [{"name": "it", "additionalPoolerSpec": mistake["pooler"]}]
    return {"clusters": {"main": cluster}}


def samples() -> list[dict]:
    """CloudNativePG's own sample objects, as `build.sh` collected them."""
    path = kubejudge.built() / "crds/samples.json"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [obj for obj in found if obj and "cnpg.io/" in obj.get("apiVersion", "")]


def name_of(case) -> str:
    return case.stem if isinstance(case, pathlib.Path) else case["name"].replace(" ", "-")


@pytest.mark.parametrize("key", SOUND)
def test_sound_objects_are_accepted(judge, namespace, key):
    """Or the refusals below would prove nothing."""
    assert judge.apply(raw_object({key: {}}), namespace) is None


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_example_is_accepted(judge, namespace, dbm, ledger, example):
    objects = dbm.objects(example)
    assert objects
    verdicts = judge.apply_all(objects, namespace)
    for obj, verdict in zip(objects, verdicts):
        ledger.record(f"{example.name} {obj['kind']} {obj['metadata']['name']}", verdict, None)
    assert [v for v in verdicts if v] == []


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if raw_object(m)], ids=name_of)
def test_server_refuses(judge, namespace, mistake):
    refusal = judge.apply(raw_object(mistake), namespace, dry_run=True)
    assert refusal, "the server accepts it"
    assert mistake.get("reason", "") in refusal


@pytest.mark.parametrize("mistake", MISTAKES, ids=name_of)
def test_validate_refuses(judge, namespace, dbm, ledger, mistake):
    refusal = dbm.refusal(values_file(mistake))
    obj = raw_object(mistake)
    if obj:
        ledger.record(mistake["name"], judge.apply(obj, namespace, dry_run=True), refusal)
    assert refusal, "validate accepts it"


def sample_file(obj) -> dict:
    """A sample Cluster as additionalClusterSpec; other kinds as they are."""
    if obj["kind"] != "Cluster":
        return {"extraObjects": [obj]}
    return {"clusters": {"main": {"enabled": True, "additionalClusterSpec": obj["spec"]}}}


def test_samples(judge, namespace, dbm, ledger):
    """What the server thinks of CloudNativePG's own samples, validate thinks too; what is rendered of them is accepted."""
    different, rendered = [], 0
    for obj in samples():
        what = f"sample {obj['kind']} {obj['metadata'].get('name')}"
        values = sample_file(obj)
        ours = dbm.refusal(values)
        server = judge.apply({**obj, "metadata": {"name": obj["metadata"]["name"]}}, namespace, dry_run=True)
        if server is None and ours is None:
            verdicts = judge.apply_all(dbm.objects(values), namespace, dry_run=True)
            server = next((v for v in verdicts if v), None)
            rendered += server is None
        ledger.record(what, server, ours)
        if (server is None) != (ours is None):
            different.append(f"{what}: server {server}, validate {ours}")
    assert not different, "\n".join(different)
    assert rendered > 60


def misspelt(spec, rng, path=()):
    """The paths of keys of a map that could be misspelt."""
    for key, value in spec.items():
        yield (*path, key)
        if isinstance(value, dict) and key not in FREE_KEYS:
            yield from misspelt(value, rng, (*path, key))


FREE_KEYS = {"parameters", "labels", "annotations", "matchLabels", "nodeSelector", "requests", "limits", "connectionParameters",
             "tags", "historyTags", "options", "tablespaceClassName"}


def test_misspellings_in_samples_are_found(dbm):
    """Each field of each sample Cluster, two letters swapped or one lost: an error at that field."""
    rng = random.Random(1)
    asked = missed = 0
    for obj in samples():
        if obj["kind"] != "Cluster" or dbm.refusal(sample_file(obj)):
            continue
        for path in rng.sample(list(misspelt(obj["spec"], rng)), k=2):
            spec = copy.deepcopy(obj["spec"])
            place = spec
            for key in path[:-1]:
                place = place[key]
            key = path[-1]
            wrong = key[:1] + key[2:] if len(key) > 2 else key + "x"
            if wrong in place:
                continue
            place[wrong] = place.pop(key)
            asked += 1
            refusal = dbm.refusal(sample_file({"kind": "Cluster", "spec": spec}))
            missed += not (refusal and wrong in refusal)
    assert asked > 50 and missed == 0, f"{missed} of {asked} misspellings were not found"
