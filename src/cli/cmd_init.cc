// cnpg-dbm init: a values file to start from.

#include "cli/commands.h"
#include "cli/finish.h"

namespace dbm::cli {
namespace {

constexpr std::string_view kStart = R"(# Databases on CloudNativePG. Check this file with `cnpg-dbm validate -f FILE`.
# `cnpg-dbm explain clusters.KEY` describes a key.
clusters:
  main:                       # the name of the CloudNativePG Cluster
    enabled: true
    instances: 3              # one primary, two standbys
    imageName: ghcr.io/cloudnative-pg/postgresql:17.2
    storage:
      size: 50Gi
      # storageClass: fast-ssd
    # walStorage:             # a separate volume for the write-ahead log
    #   enabled: true
    #   size: 10Gi
    resources:
      requests:
        cpu: 500m
        memory: 1Gi
      limits:
        memory: 1Gi

    # One entry per tenant: its database, its owner, a Secret with the owner's password, and
    # a Secret `main-<name>-app` with everything that an application needs to connect.
    databases:
      - name: app
        owner: app
        # users:              # further roles that may connect to this database
        #   - name: reporting
        #     access: read
        # extensions:
        #   - name: pgcrypto

    # PgBouncer in front of the cluster.
    # poolers:
    #   - name: rw
    #     type: rw
    #     instances: 2
    #     poolMode: transaction

    # Base backups and the WAL in an object store.
    # backup:
    #   enabled: true
    #   schedule: "0 0 3 * * *"   # second minute hour day month weekday
    #   retentionPolicy: 30d
    #   s3:
    #     bucket: my-backups
    #     region: eu-central-1
    #     credentials:
    #       existingSecret: my-s3-keys

    # monitoring:
    #   enabled: true
    #   prometheusRule:
    #     enabled: true
)";

}  // namespace

void add_init(Command program) {
  Command command = program.subcommand("init", "Print a values file to start from");
  command.run([] {
    Stdout out;
    out.write(kStart);
    return finish(out, kDone);
  });
}

}  // namespace dbm::cli
