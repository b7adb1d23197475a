#pragma once

// How a release is, as its operators report it. Pure: made of live objects.

#include <string>
#include <vector>

#include "release/live.h"
#include "release/ready.h"

namespace dbm::release {

/// A Database, Pooler, ScheduledBackup or other member with a status of its own.
struct MemberStatus {
  std::string kind, object, name;  // name: the database's, else the object's
  std::string detail;              // owner, type or schedule
  Readiness readiness;
};

struct ClusterStatus {
  std::string name, phase, primary, image;
  int64_t instances = 0, ready_instances = 0;
  Readiness readiness;
  size_t roles = 0, roles_there = 0;
  std::vector<std::pair<std::string, std::string>> refused_roles;  // with what PostgreSQL says
  std::string last_backup, last_backup_phase, last_backup_at;      // the newest; empty: none
  std::string first_recoverability;                                // RFC 3339; empty: none
  std::vector<MemberStatus> members;

  bool healthy() const;
};

struct ReleaseStatus {
  std::vector<ClusterStatus> clusters;
  std::vector<MemberStatus> others;  // of no cluster that is here
  size_t secrets = 0;

  bool healthy() const;
};

/// `backups`: the Backup objects of the namespace.
ReleaseStatus status_of(const Live& live, const std::vector<yaml::Value>& backups);

}  // namespace dbm::release
