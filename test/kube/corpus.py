"""Random values files over every key, and random fragments of what a resource definition allows.

Most values are plausible; one in a few is odd: a wrong unit, a reserved name, a number for a text. A file is
right or wrong by chance: the tests ask only that cnpg-dbm and the server agree.
"""

import copy

from hypothesis import strategies as st


def pick(*plausible, odd=()):
    """One of the plausible values, or, one time in twenty, an odd one: of a file of ten values half are sound."""
    return st.sampled_from(list(plausible) * (20 * len(odd) // len(plausible) + 1) + list(odd))


def some(required=None, **optional):
    """A map: all the required keys, any of the optional ones."""
    return st.fixed_dictionaries(required or {}, optional=optional)


def rarely(strategy):
    return st.one_of(st.none(), st.none(), strategy)


def pruned(value):
    """Without the Nones that `rarely` leaves."""
    if isinstance(value, dict):
        return {k: pruned(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [pruned(v) for v in value]
    return value


BOOL = pick(True, False, odd=["yes", "off"])
QUANTITY = pick("1Gi", "10Gi", "0.5Gi", "100Gi", "1500Mi", "5G", 1073741824, odd=["10GB", "", "-1Gi", "1e3", "Gi", "1 Gi", "0"])
CPU = pick("500m", "1", 2, "1.5", 0.5, odd=["1500mm", "two", "-1", "1e-3"])
MEMORY = pick("256Mi", "1Gi", "4Gi", "512M", odd=["1GB", "100", "128Mi", "-1Gi"])
PG_MEMORY = pick("64MB", "256MB", "1GB", "4GB", "8192kB", "512 MB", odd=["128Mi", "1g", "", 1024, "-1", "1.5GB", "2TB", "10mb"])
IDENTIFIER = pick("app", "shop", "shop_eu", "shop-eu", "Shop", "a", "überblick", "x" * 63, "with space", 'quo"te', "007", "all", "user",
                  odd=["postgres", "template1", "x" * 64, "", "pg_x", "cnpg_x", "a,b", "streaming_replica"])
ROLE = pick("app", "shop", "shop_owner", "Owner", "o" * 63, "a-b", "42", odd=["postgres", "pg_reader", "cnpg_x", "streaming_replica", "", "o" * 64])
LABEL = pick("rw", "ro", "main", "a", "p-1", odd=["RW", "a_b", "a.b", "-a", "", "x" * 64])
SECRET = pick("creds", "my-secret", "a.b", odd=["Creds", "a_b", "", "x" * 254])
DURATION = pick("30s", "5min", "1h", 1000, "500ms", odd=["1m", "soon", "-1", "1d 2h"])
SCHEDULE = pick("0 0 0 * * *", "0 0 * * *", "@daily", "@every 6h", "0 30 2 * * 1", "*/10 0 0 1-15 JAN,FEB MON-FRI", "0 0 0 ? * 0", "@hourly",
                odd=["0 0 25 * * *", "nightly", "0 0 * *", "0 0 0 * * 7", "@every 6", "@reboot", "", "0 0 0 32 * *", "60 0 0 * * *",
                     "TZ=UTC 0 0 0 * * *", "0 0 0 0 * *", "0 0 0 * 13 *", "0 0 0 5-1 * *", "*/0 0 0 * * *"])
RETENTION = pick("30d", "4w", "6m", "1d", odd=["30", "0d", "30 d", "30D", "1y", "-1d", "030d"])
IMAGE = pick("ghcr.io/cloudnative-pg/postgresql:17.2", "ghcr.io/cloudnative-pg/postgresql:16", "pg:18.0-standard-trixie", "localhost:5000/pg:15.6",
             "ghcr.io/cloudnative-pg/postgresql:17.2@sha256:" + "0" * 64,
             odd=["pg:latest", "pg", "pg:stable", "pg:12.4", "pg@sha256:" + "0" * 64, "pg:17.2-1", "pg:", "", "pg:9.6", "pg:17beta1", "pg:18rc1"])
PARAMETERS = st.dictionaries(
    pick("log_min_duration_statement", "autovacuum_max_workers", "wal_level", "max_wal_senders", "wal_log_hints", "hot_standby_feedback",
         "log_statement", "shared_buffers", "pg_stat_statements.max", "max_wal_size", "min_wal_size", "max_slot_wal_keep_size", "my.ext",
         odd=["port", "archive_mode", "ssl_ca_file", "listen_addresses", "log_directory", "recovery_target_time", "SSL", "unix_socket_group"]),
    pick("on", "off", "1", "100", 300, True, "1GB", "logical", "replica", odd=["minimal", "maybe", "", "1Gi", 1.5, None]), max_size=3)
LABELS = st.dictionaries(pick("team", "app.kubernetes.io/part-of", "a", odd=["a b", "/x", ""]), pick("platform", "x", 1, True, "", odd=["a b", "x" * 64]), max_size=2)
HBA = st.lists(pick("host all all 10.0.0.0/8 scram-sha-256", "hostssl app app all cert", "local all all peer", odd=["rubbish", ""]), max_size=2)

resources = some(requests=some(cpu=CPU, memory=MEMORY), limits=some(cpu=CPU, memory=MEMORY))
reference = st.fixed_dictionaries({"name": SECRET, "key": pick("k", "ACCESS_KEY_ID", odd=["a b", ""])})
pvc_template = some(accessModes=st.just(["ReadWriteOnce"]), storageClassName=SECRET, volumeMode=pick("Filesystem", odd=["filesystem"]),
                    resources=some(requests=some(storage=QUANTITY)), volumeAttributesClassName=SECRET)
limits = some(connections=pick(-1, 0, 10, 100, odd=[-2, "10", 262144]), statementTimeout=DURATION, idleInTransactionTimeout=DURATION,
              lockTimeout=DURATION, workMem=PG_MEMORY, tempFileLimit=PG_MEMORY)
ensure = pick("present", "absent", odd=["gone"])

database = some(
    {"name": IDENTIFIER, "owner": ROLE},
    encoding=pick("UTF8", "LATIN1", odd=["", 8]), locale=pick("C", "de_DE.UTF-8", odd=[""]),
    extensions=st.lists(some({"name": pick("pg_trgm", "vector", "uuid-ossp", odd=[""])}, version=pick("1.0", 1.1), schema=pick("public", "ext")), max_size=2),
    existingSecret=SECRET, targetNamespace=pick("default", odd=["Team", "a.b"]), connectionLimit=pick(-1, 5, 100, odd=["5", -2]),
    schemas=st.lists(some({"name": pick("s", "audit", odd=[""]), "owner": ROLE}, ensure=ensure), max_size=2),
    reclaimPolicy=pick("retain", "delete", odd=["keep", "Retain"]), ensure=ensure,
    users=st.lists(some({"name": pick("report", "etl", odd=["postgres", ""]), "access": pick("read", "write", odd=["admin"])}), max_size=2),
    limits=limits,
    additionalDatabaseSpec=some(allowConnections=BOOL, isTemplate=BOOL, tablespace=pick("fast", odd=[""]), localeProvider=pick("icu", "libc", "builtin", odd=["x"]),
                                icuLocale=st.just("en"), builtinLocale=pick("C.UTF-8", "C"), collationVersion=st.just("1"), colation=rarely(st.just("C"))))

pod_template = some(metadata=some(labels=LABELS, annotations=LABELS), spec=some(
    {"containers": st.lists(some({"name": pick("pgbouncer", "sidecar", odd=[""])}, image=IMAGE, resources=resources,
                                 env=st.lists(some({"name": pick("A", odd=[""])}, value=pick("x", 1)), max_size=1)), max_size=2)},
    nodeSelector=LABELS, priorityClassName=SECRET, terminationGracePeriodSeconds=pick(30, odd=["30", -1]), nodeSelctor=rarely(LABELS)))
pooler = some(
    {"name": LABEL},
    type=pick("rw", "ro", "r", odd=["RW", "primary"]), instances=pick(1, 2, 3, 0, "2", odd=[-1, "two", 1.5]),
    poolMode=pick("session", "transaction", odd=["statement"]),
    parameters=st.dictionaries(pick("default_pool_size", "max_client_conn", "server_idle_timeout", "ignore_startup_parameters", "query_wait_timeout",
                                    odd=["listen_port", "pool_mode", "auth_file", "max_client_con"]), pick("10", 25, "extra_float_digits", True, odd=[None, ""]), max_size=3),
    monitoring=some(enablePodMonitor=BOOL, podMonitorRelabelings=st.lists(some(action=pick("keep", "drop", odd=["kept"]), regex=st.just("a.*")), max_size=1)),
    template=pod_template, deploymentStrategy=some(type=pick("RollingUpdate", "Recreate", odd=["rolling"]),
                                                   rollingUpdate=some(maxSurge=pick(1, "25%", odd=["x%"]), maxUnavailable=pick(0, "50%"))),
    authQuery=rarely(pick("SELECT usename, passwd FROM user_search($1)")), authQuerySecret=rarely(some(name=SECRET)),
    pg_hba=HBA, paused=BOOL,
    serviceTemplate=some(metadata=some(labels=LABELS, annotations=LABELS, name=rarely(st.just("svc"))),
                         spec=some(type=pick("ClusterIP", "LoadBalancer", "NodePort", odd=["loadbalancer"]), loadBalancerSourceRanges=st.just(["10.0.0.0/8"]),
                                   externalTrafficPolicy=pick("Local", odd=["local"]))),
    additionalPoolerSpec=some(serviceAccountName=SECRET, instances=pick(2, odd=["2"]), pgbouncer=some(paused=BOOL, poolmode=rarely(st.just("session")))))

compression = pick("gzip", "bzip2", "snappy", "lz4", "zstd", "xz", odd=["zip"])
wal = some(compression=compression, encryption=pick("AES256", "aws:kms", odd=["aes256"]), maxParallel=pick(1, 8, odd=[0, "8"]),
           archiveAdditionalCommandArgs=st.just(["--x"]), restoreAdditionalCommandArgs=st.just(["--y"]))
data = some(compression=compression, encryption=pick("AES256", "aws:kms", odd=["aes256"]), jobs=pick(1, 4, odd=[0, "2"]), immediateCheckpoint=BOOL)
s3 = some(bucket=pick("backups", "my.bucket", odd=["", "s3://b"]), path=pick("main", "/main", "/a//b/", odd=[""]), endpoint=pick("https://minio:9000", odd=["minio:9000"]),
          region=pick("eu-central-1", odd=[""]), accessKeyId=pick("AKIA", "", odd=[None]), secretAccessKey=pick("secret", ""),
          inheritFromIAMRole=BOOL, credentials=some(existingSecret=SECRET, keys=some(accessKeyId=pick("ID"), region=pick("REGION"))))
azure = some(destinationPath=pick("https://acc.blob.core.windows.net/backups/main", odd=["", "main"]), inheritFromAzureAD=BOOL, connectionString=pick("c", ""),
             storageAccount=pick("acc"), storageKey=pick("key", ""), storageSasToken=pick("sas", ""), endpointURL=pick("https://blob", odd=["x"]))
gcs = some(bucket=pick("backups", odd=[""]), path=pick("main", "/x"), gkeEnvironment=BOOL, applicationCredentials=pick('{"type": "service_account"}', ""))
snapshot = some(className=SECRET, online=BOOL, onlineConfiguration=some(immediateCheckpoint=BOOL, waitForArchive=BOOL, wait=rarely(BOOL)),
                snapshotOwnerReference=pick("none", "backup", "cluster", odd=["me"]))
backup = st.builds(
    lambda common, store: {**common, **store},
    some({"enabled": st.just(True)}, schedule=SCHEDULE, retentionPolicy=RETENTION, target=pick("primary", "prefer-standby", odd=["standby"]), suspend=BOOL, immediate=BOOL,
         backupOwnerReference=pick("none", "self", "cluster", odd=["me"])),
    st.one_of(
        *[some({name: store}, method=pick("barmanObjectStore", "plugin", odd=["volumeSnapshot", "barman"]), wal=wal, data=data,
               tags=st.dictionaries(pick("t"), pick("v", 1), max_size=1), historyTags=st.dictionaries(pick("t"), pick("v"), max_size=1), endpointCA=reference)
          for name, store in (("s3", s3), ("azure", azure), ("gcs", gcs))],
        some({"method": st.just("volumeSnapshot"), "volumeSnapshot": snapshot}),
        some({"s3": s3}, gcs=gcs, volumeSnapshot=snapshot),
        some({"destinationPath": pick("s3://b/p", "gs://b/p", odd=["", "b/p"])}, s3=s3)))

external_cluster = st.one_of(
    some({"name": pick("origin", odd=["other", ""])}, connectionParameters=st.dictionaries(pick("host", "user", "dbname"), pick("x", 5432), min_size=1, max_size=2),
         password=reference, sslCert=reference),
    some({"name": st.just("origin"), "barmanObjectStore": some(
        {"destinationPath": pick("s3://b/origin", odd=[""])}, endpointURL=pick("https://s3"), serverName=pick("x"),
        s3Credentials=st.one_of(some(inheritFromIAMRole=BOOL), some(accessKeyId=reference, secretAccessKey=reference)), wal=wal, data=data)}),
    some({"name": st.just("origin"), "plugin": some({"name": pick("barman-cloud.cloudnative-pg.io")}, parameters=st.dictionaries(pick("p"), pick("v", 1), max_size=1))}),
    some({"name": st.just("other"), "connectionParameters": st.just({"host": "x"})}, connectionparameters=rarely(st.just({}))))
recovery = some(
    {"enabled": st.just(True)},
    source=pick("origin", odd=["nowhere", ""]), backup=rarely(some(name=SECRET)), database=pick("app", odd=[""]), owner=pick("app", odd=["", "postgres"]),
    secret=some(name=SECRET),
    recoveryTarget=some(targetTime=pick("2025-01-03T14:30:00Z", "2025-01-03T14:30:00+02:00", "2025-01-03 14:30:00.5+00", "2025-01-03 14:30:00",
                                        odd=["yesterday", "2025-13-01T00:00:00Z", "2025-01-03", "1735914600", ""]),
                        targetXID=rarely(pick("1000", 1000)), targetName=rarely(pick("before")), targetLSN=rarely(pick("0/3000000", odd=["0-3", "x/y"])),
                        targetImmediate=rarely(BOOL), backupID=pick("20250103T000000"), exclusive=BOOL))

rule = some({"expr": pick("up == 0", "vector(1)", 1, odd=[""])}, alert=pick("Down", odd=[""]), record=rarely(pick("a:b")), labels=LABELS, annotations=LABELS,
            keep_firing_for=pick("5m", odd=["x"]), **{"for": pick("5m", "1h30m", "0s", odd=["soon", "5", "1.5h", ""])})
monitoring = some(enabled=BOOL, podMonitor=some(enabled=BOOL), prometheusRule=some(
    {"enabled": BOOL}, labels=LABELS, annotations=LABELS, interval=pick("30s", "1m", odd=["x", 30]), rules=st.lists(rule, max_size=2)))

role_attributes = some(connectionLimit=pick(-1, 10, odd=[-2, "10"]), validUntil=pick("2030-01-01T00:00:00Z", odd=["tomorrow", "2030-01-01"]), inRoles=st.just(["pg_monitor"]),
                       createdb=BOOL, superuser=BOOL, comment=pick("x", 1), ensure=ensure, bypassrls=BOOL, disablePassword=BOOL, login=BOOL,
                       passwordSecret=rarely(some(name=SECRET)), createDB=rarely(BOOL))
synchronous = some({"method": pick("any", "first", odd=["some"]), "number": pick(1, 2, odd=[0, 3, "1"])}, maxStandbyNamesFromCluster=pick(1, odd=[-1]),
                   standbyNamesPre=st.just(["a"]), dataDurability=pick("required", "preferred", odd=["best"]), failoverQuorum=BOOL)
additional_cluster = some(
    minSyncReplicas=pick(0, 1, odd=[2, -1]), maxSyncReplicas=pick(0, 1, 2, odd=[3, -1]), enableSuperuserAccess=BOOL, logLevel=pick("info", "debug", odd=["verbose"]),
    affinity=some(enablePodAntiAffinity=BOOL, topologyKey=pick("topology.kubernetes.io/zone", "kubernetes.io/hostname"), podAntiAffinityType=pick("preferred", "required", odd=["strict"]),
                  nodeSelector=LABELS, tolerations=st.lists(some(key=pick("db", odd=["a b"]), operator=pick("Exists", "Equal", odd=["In"]), value=pick("x"),
                                                                 effect=pick("NoSchedule", "NoExecute", odd=["Never"]), tolerationSeconds=pick(60)), max_size=1)),
    primaryUpdateStrategy=pick("unsupervised", "supervised", odd=["never"]), primaryUpdateMethod=pick("restart", "switchover", odd=["x"]),
    certificates=some(serverCASecret=SECRET, serverTLSSecret=SECRET, serverAltDNSNames=st.just(["db.example.com"])),
    env=st.lists(some({"name": pick("LC_ALL", odd=["PGDATA", "POD_NAME", ""])}, value=pick("C", "x")), max_size=2), imagePullPolicy=pick("Always", "IfNotPresent", odd=["Sometimes"]),
    inheritedMetadata=some(labels=LABELS, annotations=LABELS), stopDelay=pick(30, odd=["30"]), tablespaces=st.lists(
        some({"name": pick("fast", "slow", odd=["Fast", "pg_fast", "a-b", ""]), "storage": some(size=QUANTITY)}, owner=some(name=ROLE), temporary=BOOL), max_size=2),
    managed=some(roles=st.lists(some({"name": pick("extra", "app", odd=["postgres"])}, login=BOOL, connectionLimit=pick(5, odd=[-5])), max_size=2),
                 services=some(disabledDefaultServices=st.lists(pick("ro", "r", odd=["rw"]), max_size=2),
                               additional=st.lists(some({"selectorType": pick("rw", odd=["any"]), "serviceTemplate": some(metadata=some(name=pick("main-lb", odd=["main-rw"])))},
                                                        updateStrategy=pick("patch", "replace")), max_size=1))),
    postgresql=some(parameters=PARAMETERS, pg_hba=HBA, syncReplicaElectionConstraint=some({"enabled": BOOL}, nodeLabelsAntiAffinity=st.just(["zone"]))),
    replica=rarely(some({"source": pick("origin", odd=["nowhere"])}, enabled=BOOL)), replicationSlots=some(highAvailability=some(enabled=BOOL, slotPrefix=pick("_x_", odd=["X-"])), updateInterval=pick(30, odd=[0]),
                                                                                                           synchronizeReplicas=some(enabled=BOOL, excludePatterns=pick(["a.*"], odd=[["(a"]]))),
    serviceAccountTemplate=some(metadata=some(annotations=LABELS)), topologySpreadConstraints=st.lists(some(
        {"maxSkew": st.just(1), "topologyKey": st.just("zone"), "whenUnsatisfiable": pick("DoNotSchedule", odd=["x"])}), max_size=1),
    plugins=st.lists(some({"name": pick("a.example.com", "b.example.com")}, enabled=BOOL, isWALArchiver=BOOL, parameters=st.dictionaries(pick("p"), pick("v"), max_size=1)), max_size=2),
    probes=some(liveness=some(periodSeconds=pick(10, odd=["10"]), isolationCheck=some(enabled=BOOL))), priorityClassName=SECRET, schedulerName=pick("x"),
    seccompProfile=some({"type": pick("RuntimeDefault", odd=["x"])}), instancess=rarely(st.just(3)))

cluster = some(
    {"enabled": st.just(True), "instances": pick(1, 2, 3, "3", odd=[0, -1, "three"])},
    imageName=IMAGE, imageCatalogRef=rarely(some({"apiGroup": pick("postgresql.cnpg.io", odd=["x"]), "kind": pick("ImageCatalog", "ClusterImageCatalog", odd=["Catalog"]),
                                                  "name": pick("pg"), "major": pick(17, 16, odd=["17", 9])})),
    storage=some(size=QUANTITY, storageClass=SECRET, pvcTemplate=pvc_template),
    walStorage=some({"enabled": BOOL}, size=QUANTITY, storageClass=SECRET, pvcTemplate=pvc_template),
    resources=resources, maxConnections=pick(100, "300", odd=[0, "many"]), sharedBuffers=PG_MEMORY, effectiveCacheSize=PG_MEMORY, maintenanceWorkMem=PG_MEMORY,
    checkpointCompletionTarget=pick(0.9, "0.7"), walBuffers=PG_MEMORY, defaultStatisticsTarget=pick(100, "200"), randomPageCost=pick(1.1, 4), effectiveIoConcurrency=pick(200),
    workMem=PG_MEMORY, minWalSize=pick("80MB", "1GB", odd=["8GB", "1Gi"]), maxWalSize=pick("4GB", "2GB", odd=["64MB", "4Gi", ""]),
    parameters=PARAMETERS, postgresql=some(parameters=PARAMETERS, pg_hba=HBA, pg_ident=st.just(["a b c"]), shared_preload_libraries=st.just(["pg_stat_statements"]),
                                           synchronous=synchronous, enableAlterSystem=BOOL, promotionTimeout=pick(10, odd=["x"]), pghba=rarely(st.just([])),
                                           ldap=rarely(some(server=pick("ldap", odd=[""]), port=pick(389), scheme=pick("ldaps", odd=["http"])))),
    monitoring=monitoring,
    initdb=some(postInitSQL=st.just(["SELECT 1"]), database=pick("app", odd=[""]), owner=pick("app", odd=[""]), dataChecksums=BOOL, encoding=pick("UTF8"),
                walSegmentSize=pick(16, 64, odd=[48, 0, 2048]), localeProvider=pick("icu", "libc"), icuLocale=st.just("en"), options=st.just(["-k"]), postInitSql=rarely(st.just([]))),
    backup=backup, recovery=rarely(recovery), externalClusters=st.lists(external_cluster, max_size=2), databases=st.lists(database, max_size=3),
    roles=st.dictionaries(pick("app", "shop", "auditor", odd=["postgres", "pg_x", ""]), role_attributes, max_size=2),
    roleSecrets=some(create=BOOL, source=pick("generate", odd=["external", "vault"])), connectionSecrets=some(create=BOOL, clusterDomain=pick("cluster.local", odd=["a b"])),
    isolation=some(enabled=BOOL, requireTLS=BOOL, allow=st.lists(some({"role": ROLE, "databases": st.lists(IDENTIFIER, min_size=1, max_size=2)}, address=pick("all", "10.0.0.0/8", odd=["10.0.0.0/33", "x"])), max_size=2)),
    defaults=some(limits=limits), poolers=st.lists(pooler, max_size=2), additionalClusterSpec=additional_cluster)

catalog = some({"enabled": st.just(True), "images": st.lists(st.fixed_dictionaries({"major": pick(15, 16, 17, 18, odd=[9, "17"]), "image": IMAGE}), max_size=3)},
               kind=pick("ImageCatalog", "ClusterImageCatalog", odd=["Catalog"]), labels=LABELS, annotations=LABELS)


@st.composite
def values_files(draw):
    """A whole values file. Of each map's many optional keys only a few stay, or every file would hold some mistake."""
    values = {"clusters": draw(st.dictionaries(pick("main", "other", "a" * 50, odd=["Main", "1a", "a.b", "a" * 51, "a_b"]), cluster, min_size=1, max_size=2))}
    if draw(st.booleans()):
        values["imageCatalogs"] = draw(st.dictionaries(pick("pg", odd=["PG", "a.b"]), catalog, min_size=1, max_size=1))
    kept = draw(st.sampled_from([0.1, 0.2, 0.4, 0.8]))
    return thinned(pruned(values), draw(st.randoms(use_true_random=False)), kept)


REQUIRED = {"enabled", "instances", "name", "owner", "images", "major", "image", "access", "clusters", "role", "databases", "containers", "expr", "s3", "gcs", "azure",
            "volumeSnapshot", "method", "number", "key", "apiGroup", "kind", "destinationPath", "barmanObjectStore", "plugin", "connectionParameters", "bucket",
            "maxSkew", "topologyKey", "whenUnsatisfiable", "selectorType", "serviceTemplate", "source", "size", "storage"}


def thinned(value, random, kept, depth=0):
    if isinstance(value, dict):
        by_name = depth in (1, 2) and "enabled" not in value  # the names of clusters and catalogs
        return {k: thinned(v, random, kept, depth + 1) for k, v in value.items()
                if by_name or depth == 0 or k in REQUIRED or random.random() < (kept if depth == 2 else 0.5)}
    if isinstance(value, list):
        return [thinned(v, random, kept, depth + 1) for v in value]
    return value


def fragments(schema, depth=0):
    """Instances of an OpenAPI schema of a resource definition, one in a few with something wrong at some place."""
    wrong = [st.sampled_from(["", "x", -1, 1.5, True, [], {}, ["x"], {"x": 1}])]
    if schema.get("x-kubernetes-int-or-string"):
        right = st.sampled_from([1, "1", "500m", "1Gi", "25%"])
    elif "enum" in schema:
        right = st.sampled_from(schema["enum"])
    elif schema.get("type") == "object" and "properties" in schema:
        properties, required = schema["properties"], set(schema.get("required", ()))
        if depth > 5:
            properties = {k: v for k, v in properties.items() if k in required}
        made = {k: st.deferred(lambda v=v: fragments(v, depth + 1)) for k, v in properties.items()}
        names = st.lists(st.sampled_from(sorted(made)), max_size=2, unique=True) if made else st.just([])
        right = names.flatmap(lambda chosen: st.fixed_dictionaries({k: made[k] for k in sorted(required | set(chosen)) if k in made}))
        wrong.append(right.map(lambda it: {**it, "unknownField": 1}))
        if required:
            wrong.append(right.map(lambda it: {k: v for k, v in it.items() if k != sorted(required)[0]}))
    elif schema.get("type") == "object":
        values = schema.get("additionalProperties")
        inner = fragments(values, depth + 1) if isinstance(values, dict) else st.sampled_from(["x", 1])
        right = st.dictionaries(st.sampled_from(["a", "b.c/d"]), inner, max_size=2)
    elif schema.get("type") == "array":
        right = st.lists(st.deferred(lambda: fragments(schema["items"], depth + 1)), max_size=2)
    elif schema.get("type") == "integer":
        right = st.sampled_from([n for n in (0, 1, 2, 5, 30, 100) if schema.get("minimum", 0) <= n <= schema.get("maximum", 100)] or [schema.get("minimum", 0)])
        wrong.append(st.sampled_from([schema.get("minimum", 0) - 1, 2**31, "5"]))
    elif schema.get("type") == "boolean":
        right = st.booleans()
        wrong.append(st.sampled_from(["yes", "true", 0]))
    else:
        right = st.sampled_from(["a", "some-name", "2030-01-01T00:00:00Z", "1Gi", "5m"])
    return st.integers(0, 40).flatmap(lambda n: st.one_of(*wrong) if n == 40 and depth else right)


def smaller(value):
    """The same with one key or item less, at every place."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in items:
        less = copy.copy(value)
        del less[key]
        yield less
        for replaced in smaller(inner):
            less = copy.copy(value)
            less[key] = replaced
            yield less
