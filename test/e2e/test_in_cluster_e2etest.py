"""As a job in the cluster does it: no kubeconfig, a service account with the rights that `rbac` prints, the API's Service."""

import os
import pathlib
import subprocess

import pytest

from conftest import eventually

NAMESPACE = "robot"
MOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")  # below the box's own /run
FILE = """
clusters:
  main:
    enabled: true
    instances: 1
    storage: {size: 1Gi}
    databases: [{name: orders, owner: orders}]
    poolers: [{name: rw}]
"""


def kubectl(*arguments, input=None) -> str:
    run = subprocess.run(["kubectl", *arguments], input=input, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def robot(kube, dbm, tmp_path):
    """Runs the program as the service account."""
    kube.make_namespace(NAMESPACE)
    kubectl("create", "serviceaccount", "deployer", "-n", NAMESPACE)
    file = tmp_path / "values.yaml"
    file.write_text(FILE)
    kubectl("apply", "-f", "-", input=dbm.run("rbac", "-f", file, "-n", NAMESPACE, "--service-account", f"{NAMESPACE}:deployer").stdout)
    MOUNT.mkdir(parents=True)
    (MOUNT / "token").write_text(kubectl("create", "token", "deployer", "-n", NAMESPACE))
    (MOUNT / "ca.crt").write_text(kube.authority)
    (MOUNT / "namespace").write_text(NAMESPACE)
    host, port = kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP} {.spec.ports[0].port}").split()
    environment = {"PATH": os.environ["PATH"], "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}

    def run(command, *arguments, code=0, with_file=True) -> str:
        line = [dbm.program, command, *(("-f", file) if with_file else ()), *arguments]
        done = subprocess.run(line, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert code is None or done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


def test_a_job_in_the_cluster_has_just_the_rights_that_it_needs(kube, robot):
    robot("diff", code=1)
    robot("apply")
    robot("diff")
    assert "main" in robot("status", with_file=False, code=None)
    password = kube.secret(NAMESPACE, "main-orders-password")["password"]
    robot("rotate", "--cluster", "main", with_file=False)
    assert kube.secret(NAMESPACE, "main-orders-app")["password"] not in (password, "")
    for refused in (robot("status", "-n", "default", with_file=False, code=1), robot("apply", "-n", "default", code=1)):
        assert "missing: get on secrets in namespace default" in refused
    robot("uninstall", "--allow-destroy", "main", "--wait", "--timeout", "60s", with_file=False)
    eventually("the end", lambda: not kube.list("Database", NAMESPACE) and not kube.exists("Cluster", NAMESPACE, "main"), 60)
