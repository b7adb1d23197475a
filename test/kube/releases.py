"""What the tests of the commands for a live API server share: runs of the program, the server's content, a stand-in operator."""

import base64
import concurrent.futures
import contextlib
import copy
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time

import yaml

CNPG = "/apis/postgresql.cnpg.io/v1"
KINDS = {  # what is looked at: everything that a release may consist of
    "Secret": "/api/v1", "ConfigMap": "/api/v1", "Cluster": CNPG, "Database": CNPG, "Pooler": CNPG, "ScheduledBackup": CNPG,
    "ImageCatalog": CNPG, "PodMonitor": "/apis/monitoring.coreos.com/v1", "PrometheusRule": "/apis/monitoring.coreos.com/v1",
    "ObjectStore": "/apis/barmancloud.cnpg.io/v1"}
PART_OF = "applyset.kubernetes.io/part-of"
PASSWORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32}(?![A-Za-z0-9])")
PATIENCE = 60

DONE, REFUSED, USAGE, GUARDED, TIMED_OUT, INTERRUPTED = 0, 1, 2, 3, 4, 130


def shop(*databases, cluster=None, **keys) -> dict:
    """A values file: one cluster, a database a name or a map; `keys` go into the cluster."""
    listed = [{"name": d, "owner": d} if isinstance(d, str) else d for d in databases or ("orders", "customers")]
    return {"clusters": {cluster or "shop": {
        "enabled": True, "instances": 1, "storage": {"size": "2Gi"}, "databases": listed, **keys}}}


def plural(kind: str) -> str:
    return kind.lower() + "s"


def until(condition, what: str, seconds: float = PATIENCE):
    """Polls; what `condition` gave when it was true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        threading.Event().wait(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


@dataclasses.dataclass
class Done:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


class Release:
    """One release in a namespace of its own, driven as a person would. Every run is looked through for passwords."""

    def __init__(self, program: pathlib.Path, judge, folder: pathlib.Path, namespace: str | None = None, name: str = "databases"):
        self.program, self.judge, self.folder, self.name = program, judge, folder, name
        self.namespace = namespace or judge.new_namespace("rel")
        self.namespaces = [self.namespace]

    def other_namespace(self, suffix: str) -> str:
        name = f"{self.namespace}-{suffix}"
        self.judge.ensure_namespace(name)
        self.namespaces.append(name)
        return name

    # Running

    def command(self, command: str, *flags, values=None, proxy=None, kubeconfig=None) -> list:
        kubeconfig = kubeconfig or (proxy or self.judge).kubeconfig
        kubeconfig = kubeconfig() if callable(kubeconfig) else kubeconfig
        line = [self.program, command, self.name, "-n", self.namespace, "--kubeconfig", kubeconfig]
        if values is not None:
            path = self.folder / f"{self.namespace}-{time.monotonic_ns()}.yaml"
            path.write_text(yaml.safe_dump(values, sort_keys=False) if not isinstance(values, str) else values)
            line += ["-f", path]
        return [str(word) for word in (*line, *flags)]

    def start(self, command: str, *flags, proxy=None, **options) -> subprocess.Popen:
        process = subprocess.Popen(self.command(command, *flags, proxy=proxy, **options), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if proxy is not None:
            proxy.victim(process)
        return process

    def end(self, process: subprocess.Popen, seconds: float = PATIENCE) -> Done:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"still running after {seconds} s\n{out}{err}") from None
        done = Done(process.returncode, out, err)
        self.assert_no_password(done.out + done.err, "what it says")
        return done

    def run(self, command: str, *flags, code: int | tuple | None = DONE, seconds: float = PATIENCE, proxy=None, **options) -> Done:
        """`code`: what it must end with; None: anything but a crash."""
        done = self.end(self.start(command, *flags, proxy=proxy, **options), seconds)
        if code is None:
            assert done.code >= 0, str(done)
        else:
            assert done.code in (code if isinstance(code, tuple) else (code,)), f"{command}, not {code}: {done}"
        return done

    def apply(self, values, *flags, **options) -> Done:
        return self.run("apply", *flags, values=values, **options)

    def template(self, values) -> dict[tuple, dict]:
        """The objects that the file stands for, by kind, namespace and name."""
        line = self.command("template", values=values)
        at = line.index("--kubeconfig")
        del line[at:at + 2]
        run = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE)
        assert run.returncode == 0, run.stderr
        return {key_of(obj): obj for obj in yaml.load_all(run.stdout, yaml.CSafeLoader) if obj}

    def assert_no_password(self, text: str, where: str):
        for password in self.passwords().values():
            for form in disguises(password):
                assert form not in text, f"a password in {where}"

    # The server's content

    def state(self) -> dict[tuple, dict]:
        """Every object of this release's namespaces."""
        found = {}
        for namespace in self.namespaces:
            for kind, path in KINDS.items():
                for item in self._list(f"{path}/namespaces/{namespace}/{plural(kind)}"):
                    found[kind, namespace, item["metadata"]["name"]] = {
                        "apiVersion": path.split("/", 2)[2], "kind": kind, **item}
        return found

    def _list(self, path: str) -> list[dict]:
        def listed():
            status, answer = self.judge.request("GET", path)
            assert status in (200, 429), answer  # 429: a definition is new and its storage not ready
            return (answer["items"],) if status == 200 else None
        return until(listed, path)[0]

    def versions(self) -> dict[tuple, str]:
        return {key: obj["metadata"]["resourceVersion"] for key, obj in self.state().items()}

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict | None:
        status, answer = self.judge.request(
            "GET", f"{KINDS[kind]}/namespaces/{namespace or self.namespace}/{plural(kind)}/{name}")
        return answer if status == 200 else None

    def patch(self, kind: str, name: str, patch: dict, manager: str, namespace: str | None = None, subresource: str = ""):
        """A merge patch, as kubectl patch and kubectl edit send it."""
        status, answer = self.judge.request(
            "PATCH", f"{KINDS[kind]}/namespaces/{namespace or self.namespace}/{plural(kind)}/{name}{subresource}?fieldManager={manager}",
            patch, "application/merge-patch+json")
        assert status == 200, answer
        return answer

    def create(self, obj: dict, namespace: str | None = None, manager: str = "somebody"):
        status, answer = self.judge.request(
            "POST", f"{KINDS[obj['kind']]}/namespaces/{namespace or self.namespace}/{plural(obj['kind'])}?fieldManager={manager}", obj)
        assert status == 201, answer
        return answer

    def data(self, name: str, namespace: str | None = None) -> dict[str, str]:
        secret = self.get("Secret", name, namespace)
        assert secret, f"no Secret {name}"
        return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}

    def passwords(self) -> dict[tuple, str]:
        """Of every Secret that has one."""
        found = {}
        for namespace in self.namespaces:
            status, answer = self.judge.request("GET", f"/api/v1/namespaces/{namespace}/secrets")
            for item in answer.get("items", ()):
                if "password" in (item.get("data") or {}):
                    found[namespace, item["metadata"]["name"]] = base64.b64decode(item["data"]["password"]).decode()
        return found

    def members(self) -> set[tuple]:
        return {key for key, obj in self.state().items()
                if (obj["metadata"].get("labels") or {}).get(PART_OF) == self.applyset_id}

    @property
    def parent(self) -> str:
        return f"cnpg-dbm-{self.name}"

    @property
    def applyset_id(self) -> str:
        """KEP-3659: of the parent's name, namespace, kind and group."""
        digest = hashlib.sha256(f"{self.parent}.{self.namespace}.Secret.".encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    def normalised(self) -> dict[tuple, dict]:
        """The content without what differs from run to run: times, versions, passwords, the namespace's name."""
        found = {}
        for key, obj in self.state().items():
            obj = copy.deepcopy(obj)
            for field in ("uid", "resourceVersion", "creationTimestamp", "generation"):
                obj["metadata"].pop(field, None)
            obj["metadata"]["managedFields"] = sorted(
                ({k: v for k, v in entry.items() if k != "time"} for entry in obj["metadata"].get("managedFields") or ()),
                key=lambda entry: json.dumps(entry, sort_keys=True))
            if key[0] == "Secret":
                obj["data"] = {k: PASSWORD.sub("(password)", base64.b64decode(v).decode())
                               for k, v in (obj.get("data") or {}).items()}
            text = json.dumps([key, obj]).replace(self.applyset_id, "(applyset)").replace(self.namespace, "(ns)")
            new_key, new_obj = json.loads(text)
            found[tuple(new_key)] = new_obj
        return found

    def assert_one_password(self):
        """Connection Secrets carry the password of the role's Secret."""
        passwords = self.passwords()
        for (namespace, name), password in passwords.items():
            if name.endswith("-app"):
                data = self.data(name, namespace)
                cluster = self.get("Secret", name, namespace)["metadata"]["labels"]["cnpg.io/cluster"]
                role = passwords.get((self.namespace, f"{cluster}-{data['username'].replace('_', '-')}-password"))
                assert role is None or password == role, f"{namespace}/{name} has another password than the role"
                assert password in data["uri"] and password in data["pgpass"]


def key_of(obj) -> tuple:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def disguises(text: str) -> list[str]:
    """The text itself and what base64 makes of it, wherever it begins in a longer one."""
    forms = [text]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + text.encode()).decode()
        start = (0, 2, 3)[shift]
        forms.append(coded[start:len(coded) - len(coded) % 4 - 4])
    return forms


def differences(ours: dict, theirs: dict) -> str:
    """Between two contents; empty: none."""
    lines = [f"missing: {key}" for key in sorted(theirs.keys() - ours.keys())]
    lines += [f"too many: {key}" for key in sorted(ours.keys() - theirs.keys())]
    for key in sorted(ours.keys() & theirs.keys()):
        lines += [f"{key}{path}: {a!r:.200}, not {b!r:.200}" for path, a, b in _walk("", ours[key], theirs[key])]
    return "\n".join(lines[:20])


def _walk(path, a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from _walk(f"{path}.{key}", a.get(key), b.get(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (left, right) in enumerate(zip(a, b)):
            yield from _walk(f"{path}[{i}]", left, right)
    elif a != b:
        yield path, a, b


def worth_breaking(log) -> list[int]:
    """The numbers of every write, and of the reads, which are many and alike, each third; all with CNPG_DBM_EVERY=1."""
    every = os.environ.get("CNPG_DBM_EVERY") == "1"
    reads = [request.number for request in log if not request.writes]
    return [r.number for r in log if r.writes or every or reads.index(r.number) % 3 == 0]


# Users with few rights

def service_account(judge, namespace: str, name: str, rules=None, cluster_rules=None) -> str:
    """A ServiceAccount that may do what the rules say, and a token of it."""
    def post(path, obj, allowed=(201, 409)):
        status, answer = judge.request("POST", path, obj)
        assert status in allowed, answer
        return answer

    post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    if rules is not None:
        grant(judge, {"kind": "Role", "metadata": {"name": name, "namespace": namespace}, "rules": rules}, namespace, name)
    if cluster_rules is not None:
        grant(judge, {"kind": "ClusterRole", "metadata": {"name": f"{namespace}-{name}"}, "rules": cluster_rules}, namespace, name)
    answer = post(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
                  {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
    return answer["status"]["token"]


def grant(judge, role: dict, namespace: str, account: str):
    """Makes a Role or ClusterRole and binds it to a ServiceAccount."""
    api = "rbac.authorization.k8s.io/v1"
    kind, where = role["kind"], role["metadata"].get("namespace")
    path = f"/apis/{api}/" + (f"namespaces/{where}/" if kind == "Role" else "")
    binding = {"apiVersion": api, "kind": f"{kind}Binding", "metadata": {"name": f"{role['metadata']['name']}-{account}"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role["metadata"]["name"]},
               "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]}
    for obj, name in (({"apiVersion": api, **role}, plural(kind)), (binding, kind.lower() + "bindings")):
        status, answer = judge.request("POST", path + name, obj)
        assert status in (201, 409), answer


def rights(obj: dict) -> set[tuple]:
    """(verb, group, resource, namespace) of each right that a Role or ClusterRole gives."""
    where = obj["metadata"].get("namespace", "") if obj["kind"] == "Role" else "*"
    return {(verb, group, resource, where) for rule in obj.get("rules") or () for verb in rule.get("verbs", ())
            for group in rule.get("apiGroups", ()) for resource in rule.get("resources", ())}


def rights_used(log) -> set[tuple]:
    """(verb, group, resource, namespace) of each request that was carried out."""
    found = set()
    for request in log:
        match = re.fullmatch(r"/(?:api/v1|apis/([^/]+)/[^/]+)(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?(/[^/]+)?", request.path)
        if not match or request.status is None or request.status in (401, 403):
            continue
        group, namespace, resource, name, subresource = match.groups()
        verb = {"GET": "get" if name else "watch" if request.watches else "list", "POST": "create", "PUT": "update",
                "PATCH": "patch", "DELETE": "delete" if name else "deletecollection"}[request.method]
        entry = (group or "", resource + (subresource or ""), namespace or "")
        found.add((verb, *entry))
        if verb == "patch" and request.status == 201:
            found.add(("create", *entry))
    return found


@contextlib.contextmanager
def webhooks_at(judge, port: int):
    """The operator's webhooks are called at another port, where nothing answers, until the end of the `with`."""
    base = "/apis/admissionregistration.k8s.io/v1"
    paths = []
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        for item in judge.request("GET", f"{base}/{kind}")[1]["items"]:
            paths.append((f"{base}/{kind}/{item['metadata']['name']}", item["webhooks"]))

    def point(webhooks_of):
        for path, webhooks in paths:
            status, answer = judge.request("PATCH", path, {"webhooks": webhooks_of(webhooks)}, "application/merge-patch+json")
            assert status == 200, answer

    def moved(webhooks):
        webhooks = copy.deepcopy(webhooks)
        for webhook in webhooks:
            webhook["clientConfig"]["url"] = re.sub(r":\d+/", f":{port}/", webhook["clientConfig"]["url"])
        return webhooks

    probe = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "probe"},
             "spec": {"instances": 1, "storage": {"size": "1Gi"}}}

    def answers() -> bool:
        status, _ = judge.request(
            "POST", f"{CNPG}/namespaces/default/clusters?dryRun=All", probe)
        return status == 201

    try:
        point(moved)
        until(lambda: not answers(), "the webhooks are away")
        yield
    finally:
        point(lambda webhooks: webhooks)
        until(answers, "the webhooks are back")
        until(judge.webhooks_answer, "both webhooks are back")


class FakeOperator:
    """Sets .status of Clusters, Databases and Poolers as the operator does when all goes well, or as `broken` says:
    (kind, name) -> a status. `hold`: while it is set, nothing is reported."""

    def __init__(self, release: Release, broken: dict[tuple, dict] | None = None):
        self.release, self.broken = release, broken or {}
        self.hold = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error: Exception | None = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(PATIENCE)
        if self.error:
            raise self.error

    def _run(self):
        try:
            while not self._end.wait(0.05):
                if not self.hold.is_set():
                    for kind in ("Cluster", "Database", "Pooler"):
                        self._look(kind)
        except Exception as error:  # told when the test ends
            self.error = error

    def _look(self, kind):
        release = self.release
        status, answer = release.judge.request("GET", f"{CNPG}/namespaces/{release.namespace}/{plural(kind)}")
        for item in answer.get("items", ()):
            name = item["metadata"]["name"]
            wanted = self.broken.get((kind, name)) or getattr(self, kind.lower())(item)
            if item.get("status", {}) | wanted != item.get("status", {}):
                release.judge.request(  # 404: gone in the meantime
                    "PATCH", f"{CNPG}/namespaces/{release.namespace}/{plural(kind)}/{name}/status?fieldManager=manager",
                    {"status": wanted}, "application/merge-patch+json")

    def cluster(self, item) -> dict:
        roles = (item["spec"].get("managed") or {}).get("roles") or []
        versions = {}
        for role in roles:
            secret = self.release.get("Secret", (role.get("passwordSecret") or {}).get("name", "-"))
            if secret:
                versions[role["name"]] = {"resourceVersion": secret["metadata"]["resourceVersion"], "transactionID": 700}
        instances = item["spec"]["instances"]
        since = (item.get("status", {}).get("conditions") or [{}])[0].get("lastTransitionTime")
        return {
            "phase": "Cluster in healthy state", "instances": instances, "readyInstances": instances,
            "currentPrimary": f"{item['metadata']['name']}-1", "targetPrimary": f"{item['metadata']['name']}-1",
            "conditions": [{"type": "Ready", "status": "True", "reason": "ClusterIsReady", "message": "Cluster is Ready",
                            "lastTransitionTime": since or now()}],
            "managedRolesStatus": {"byStatus": {"reconciled": [role["name"] for role in roles]}, "passwordStatus": versions}}

    @staticmethod
    def database(item) -> dict:
        return {"applied": True, "observedGeneration": item["metadata"]["generation"]}

    @staticmethod
    def pooler(item) -> dict:
        return {"instances": item["spec"]["instances"]}


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_parallel(run, items, threads: int = 3) -> list:
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, items))
