"""Over many random values files, cnpg-dbm and a real API server agree on what is accepted.

CNPG_DBM_CORPUS sets how many files a test makes (150); the choice is the same on each run.
"""

import copy
import os
import re

import hypothesis
import pytest
import yaml

import corpus
from test_examples_kubetest import SOUND, merged

COUNT = int(os.environ.get("CNPG_DBM_CORPUS", "150"))
SECRETS = 3  # they are all alike
SHRINKING = 150  # tries for each kind of difference


class Findings:
    """The smallest input of each kind of difference."""

    def __init__(self):
        self.smallest: dict[str, tuple[str, object]] = {}

    def add(self, verdict: str, values):
        kind = signature(verdict)
        if kind not in self.smallest or len(str(values)) < len(str(self.smallest[kind][1])):
            self.smallest[kind] = (verdict, values)

    def report(self, still) -> str:
        """`still(values)`: the verdict's text while the difference is there, else None."""
        text = []
        for kind, (verdict, values) in self.smallest.items():
            values, verdict = shrunk(values, verdict, lambda v, kind=kind: (said := still(v)) and signature(said) == kind and said)
            text.append(f"{verdict}\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True)}")
        return "\n".join(text)


def signature(verdict: str) -> str:
    """A verdict without the names, places and values in it."""
    verdict = re.sub(r'"[^"]*"|\'[^\']*\'|`[^`]*`|\S+\.yaml:\d+:\d+|\[\d+\]|/[\w.-]+;|\d+', "#", verdict)
    return " ".join(verdict.split())[:160]


def shrunk(values, verdict, still):
    tries = 0
    progress = True
    while progress:
        progress = False
        for less in corpus.smaller(values):
            tries += 1
            if tries > SHRINKING:
                return values, verdict
            if said := still(less):
                values, verdict, progress = less, said, True
                break
    return values, verdict


def examples(strategy, count=COUNT) -> list:
    """`count` of them, the same on each run. Made first and judged later: no shrinking, no end at the first difference."""
    made = []

    @hypothesis.settings(max_examples=count, derandomize=True, deadline=None, database=None, phases=[hypothesis.Phase.generate],
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(strategy)
    def collect(example):
        made.append(copy.deepcopy(example))

    collect()
    return made


def sent(objects):
    """What is worth sending: of Secrets the first few."""
    secrets = 0
    for obj in objects:
        secrets += obj["kind"] == "Secret"
        if obj["kind"] != "Secret" or secrets <= SECRETS:
            yield obj


def test_what_validate_accepts_the_server_accepts(judge, namespace, dbm, ledger):
    findings = Findings()

    def verdicts(values):
        """Over the objects of a file that validate accepts."""
        objects = [] if dbm.refusal(values) else list(sent(dbm.objects(values)))
        return list(zip(objects, judge.apply_all(objects, namespace, dry_run=True)))

    def refused(values) -> str | None:
        return next((f"{obj['kind']}: {verdict}" for obj, verdict in verdicts(values) if verdict), None)

    files = examples(corpus.values_files())
    sound = 0
    for values in files:
        judged = verdicts(values)
        sound += bool(judged)
        for obj, verdict in judged:
            ledger.record(f"{obj['kind']} {obj['metadata'].get('name')}", verdict, None)
            if verdict:
                findings.add(f"{obj['kind']}: {verdict}", values)
    report = findings.report(refused)
    assert not report, report
    assert sound >= len(files) // 20, f"only {sound} of {len(files)} files are sound: the generator is too wild to prove anything"


def schema_of(judge, kind):
    plural = kind.lower() + "s.postgresql.cnpg.io"
    definition = judge.request("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}")[1]
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


@pytest.mark.parametrize("key", ["spec", "database", "pooler"])
def test_additional_spec(judge, namespace, dbm, ledger, key):
    """A random part of a definition under additional…Spec: validate refuses it when the server does.

    What validate refuses and the server accepts is counted only: there are reasons to be stricter.
    """
    api_version, kind, base, carrier = SOUND[key]
    schema = schema_of(judge, kind)
    findings, stricter = Findings(), Findings()

    def file_of(fragment):
        cluster = {"enabled": True, "instances": 3, "databases": [{"name": "app", "owner": "app"}], "poolers": [{"name": "it"}]}
        place = {"spec": cluster, "database": cluster["databases"][0], "pooler": cluster["poolers"][0]}[key]
        place[carrier] = fragment
        return {"clusters": {"main": cluster}}

    def verdicts(fragment):
        obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "main" if key == "spec" else "main-it"}, "spec": merged(base, fragment)}
        server, ours = judge.apply(obj, namespace, dry_run=True), dbm.refusal(file_of(fragment))
        if server and not ours:  # `5` where a string belongs is mended on the way: what is sent decides
            sent = [o for o in dbm.objects(file_of(fragment)) if o["kind"] == kind]
            server = next((v for v in judge.apply_all(sent, namespace, dry_run=True) if v), None)
        return server, ours

    def missed(fragment) -> str | None:
        server, ours = verdicts(fragment)
        return server if server and not ours else None

    fragments = {k: v for k, v in schema["properties"].items() if k not in ("cluster", "name", "owner")}
    one_field = corpus.st.sampled_from(sorted(fragments)).flatmap(
        lambda name: corpus.fragments(fragments[name], 1).map(lambda value: {name: value}))
    for fragment in examples(one_field, 2 * COUNT):
        server, ours = verdicts(fragment)
        if server and not ours:
            findings.add(server, fragment)
            ledger.record(f"{kind} {fragment}", server, ours)
        elif ours and not server:
            stricter.add(ours, fragment)
        else:
            ledger.judged += 1
    for verdict, fragment in stricter.smallest.values():
        print(f"stricter than the server: {fragment}: {verdict.strip()}")
    report = findings.report(missed)
    assert not report, report
