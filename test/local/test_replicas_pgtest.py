"""Replicas: they follow, readers are led to them, and they go and come with the file or --replicas."""

import json

import pytest
from engine import values, wait_for

POOLERS = [{"name": "rw"}, {"name": "ro", "type": "ro"}, {"name": "any", "type": "r"}]
WANTED = values({"name": "shop", "owner": "shop", "users": [{"name": "reader", "access": "read"}]}, "blog", instances=2, poolers=POOLERS)
RECOVERING = "SELECT pg_is_in_recovery()"


@pytest.fixture(scope="module")
def two(home):
    report = home.up(WANTED)
    assert report["failed"] == [] and report["stderr"] == ""
    return home


def instances(home) -> list[dict]:
    return json.loads(home.call("status", "-o", "json").stdout)["clusters"][0]["instances"]


def test_they_stream(two):
    found = instances(two)
    assert [(i["name"], i["role"], i["problem"]) for i in found] == [("main-1", "primary", ""), ("main-2", "replica", "")]
    assert two.admin("SELECT string_agg(application_name || state || usename || (SELECT ssl FROM pg_stat_ssl s WHERE s.pid = r.pid), '') "
                     "FROM pg_stat_replication r") == "main-2streamingstreaming_replicatrue"
    assert two.admin("SELECT string_agg(slot_name || active, '') FROM pg_replication_slots") == "dbm_2true"
    two.ask("shop", "shop", "CREATE TABLE seen AS SELECT 7 AS n")
    wait_for(lambda: two.enter("reader", "shop", "SELECT n FROM seen", host="127.0.0.2").stdout == "7\n", "the row on the replica")
    again = two.up()
    assert not again["changed"], again["done"]


def test_poolers_lead_where_they_say(two):
    ports = two.state()["poolers"]
    assert two.ask("shop", "shop", RECOVERING, port=ports["rw"]) == "f"
    assert two.ask("shop", "shop", RECOVERING, port=ports["ro"]) == "t"
    assert two.ask("shop", "shop", RECOVERING, port=ports["any"]) in "tf"
    refused = two.enter("shop", "shop", "CREATE TABLE no (n int)", port=ports["ro"])
    assert "read-only" in refused.stderr
    # A tenant made later is on the replica, and let in there, as `up` ends.
    more = json.loads(json.dumps(WANTED))
    more["clusters"]["main"]["databases"].append({"name": "late", "owner": "late"})
    two.up(more)
    assert two.ask("late", "late", RECOVERING, port=ports["ro"]) == "t"
    assert two.ask("late", "late", RECOVERING, host="127.0.0.2") == "t"
    two.up(WANTED)
    assert two.enter("late", "late", host="127.0.0.2").returncode != 0


def test_a_parameter_reaches_both(two):
    changed = json.loads(json.dumps(WANTED))
    changed["clusters"]["main"]["maxConnections"] = "150"
    two.up(changed)
    assert two.ask("shop", "shop", "SHOW max_connections") == "150"
    assert two.ask("shop", "shop", "SHOW max_connections", host="127.0.0.2") == "150"
    changed["clusters"]["main"]["maxConnections"] = "120"  # a replica must not have less than its primary had
    two.up(changed)
    assert two.ask("shop", "shop", "SHOW max_connections") == "120"
    assert two.ask("shop", "shop", "SHOW max_connections", host="127.0.0.2") == "120"
    assert [i["problem"] for i in instances(two)] == ["", ""]
    assert not two.up()["changed"]


def test_a_dead_replica_is_seen_and_started(two):
    import os
    import signal
    pid = two.postmaster(2)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: instances(two)[1]["problem"], "status to see it")
    assert two.call("status").returncode == 1
    report = two.up()
    assert report["failed"] == [] and any("main-2 started" in d for d in report["done"])
    wait_for(lambda: two.call("status").returncode == 0, "a healthy cluster")


def test_they_go_and_come_back(two):
    report = two.up(None, "--replicas", "0")
    assert any("main-2 removed" in d for d in report["done"])
    assert not two.data(2).exists() and len(instances(two)) == 1
    assert two.admin("SELECT count(*) FROM pg_replication_slots") == "0"
    assert "leads to the primary" in report["stderr"]
    assert two.ask("shop", "shop", RECOVERING, port=two.state()["poolers"]["ro"]) == "f"
    assert not two.up(None, "--replicas", "0")["changed"]
    report = two.up()
    assert any("main-2 created" in d for d in report["done"])
    wait_for(lambda: two.call("status").returncode == 0, "a healthy cluster")
    assert two.ask("shop", "shop", RECOVERING, port=two.state()["poolers"]["ro"]) == "t"
    assert two.ask("reader", "shop", "SELECT n FROM seen", host="127.0.0.2") == "7"


def test_down_stops_all_and_up_starts_all(two):
    two.run("down")
    assert not two.processes()
    two.up()
    wait_for(lambda: two.call("status").returncode == 0, "a healthy cluster")


def test_limits_are_lowered_while_all_is_down(two):
    lowered = json.loads(json.dumps(WANTED))
    lowered["clusters"]["main"]["maxConnections"] = "90"
    two.run("down")
    two.up(lowered)
    assert two.ask("shop", "shop", "SHOW max_connections", host="127.0.0.2") == "90"
    assert not two.up()["changed"]
    wait_for(lambda: two.call("status").returncode == 0, "a healthy cluster")
