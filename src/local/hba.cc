#include "local/hba.h"

namespace dbm::local {
namespace {

void append_lines(std::string& out, const yaml::Value* list) {
  if (list == nullptr) return;
  for (const yaml::Value& line : list->items()) {
    out += line.text();
    out += '\n';
  }
}

}  // namespace

std::string hba_text(const yaml::Value& spec) {
  std::string out =
      "# Written by cnpg-dbm; what the file's isolation and pg_hba say begins after the first lines.\n"
      "local all \"postgres\" peer map=local\n"
      "local all all reject\n"
      "hostssl \"postgres\" \"streaming_replica\" all cert\n"
      "hostssl replication \"streaming_replica\" all cert\n"
      "hostssl all \"cnpg_pooler_pgbouncer\" all cert\n"
      // CloudNativePG lets nobody else in as these either.
      "host all \"streaming_replica\",\"cnpg_pooler_pgbouncer\" all reject\n";
  append_lines(out, spec.find_path({"postgresql", "pg_hba"}));
  out += "host all all all scram-sha-256\n";
  return out;
}

std::string ident_text(const yaml::Value& spec, std::string_view user) {
  std::string out = "local \"";
  out += user;
  out += "\" \"postgres\"\n";
  append_lines(out, spec.find_path({"postgresql", "pg_ident"}));
  return out;
}

}  // namespace dbm::local
