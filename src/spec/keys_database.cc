// Rows of `clusters.<name>.databases[]`.

#include "spec/checks.h"
#include "spec/keys.h"

namespace dbm::schema {

using namespace spec;

template <>
const Record& record_of<Limits>() {
  static const Key kKeys[] = {
      key<&Limits::connections>("connections", "Most connections to the database at a time.",
                                {.minimum = -1, .maximum = 262143}),
      key<&Limits::statement_timeout>("statementTimeout", "statement_timeout of its roles.",
                                      {.check = check_pg_duration, .example = "30s"}),
      key<&Limits::idle_in_transaction_timeout>("idleInTransactionTimeout",
                                                "idle_in_transaction_session_timeout of its roles.",
                                                {.check = check_pg_duration}),
      key<&Limits::lock_timeout>("lockTimeout", "lock_timeout of its roles.",
                                 {.check = check_pg_duration}),
      key<&Limits::work_mem>("workMem", "work_mem of its roles.",
                             {.check = check_pg_memory, .example = "16MB"}),
      key<&Limits::temp_file_limit>("tempFileLimit", "temp_file_limit of its roles.",
                                    {.check = check_pg_memory, .example = "1GB"}),
  };
  static const Record kRecord{"Limits", "What keeps one tenant from starving the others.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Extension>() {
  static const Key kKeys[] = {
      key<&Extension::name>("name", "Name of the extension.",
                            {.required = true, .check = check_identifier, .example = "pg_trgm"}),
      key<&Extension::version>("version", "Its version; else the default one."),
      key<&Extension::schema>("schema", "The schema it is installed in.",
                              {.check = check_identifier}),
  };
  static const Record kRecord{"Extension", "An extension of the database (CNPG 1.26).", kKeys};
  return kRecord;
}

template <>
const Record& record_of<User>() {
  static const Key kKeys[] = {
      key<&User::name>("name", "Name of the role.",
                       {.required = true, .check = check_role_name, .example = "report"}),
      key<&User::access>("access", "read or write.", {.required = true}),
      key<&User::existing_secret>("existingSecret", "A Secret of yours with its password.",
                                  {.check = check_dns_subdomain}),
  };
  static const Record kRecord{"User", "A further login role for this database.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Database>() {
  static const Key kKeys[] = {
      key<&Database::name>("name", "Name of the database in PostgreSQL.",
                           {.required = true, .check = check_database_name, .example = "shop"}),
      key<&Database::owner>("owner", "Its owner, a login role that is made with it.",
                            {.required = true, .check = check_role_name, .example = "shop"}),
      key<&Database::encoding>("encoding", "Encoding of the database.", {.example = "UTF8"}),
      key<&Database::locale>("locale", "Locale of the database.", {.example = "C"}),
      key<&Database::existing_secret>("existingSecret",
                                      "A Secret of yours with the owner's password (keys username "
                                      "and password).",
                                      {.check = check_dns_subdomain}),
      key<&Database::target_namespace>("targetNamespace",
                                       "Also write the connection Secret to this namespace.",
                                       {.check = check_dns_label}),
      key<&Database::extensions>("extensions", "Extensions of the database (CNPG 1.26)."),
      key<&Database::connection_limit>("connectionLimit", "Most connections at a time, -1: any.",
                                       {.minimum = -1, .maximum = 262143}),
      key<&Database::schemas>("schemas", "Schemas of the database (CNPG 1.26).",
                              {.cnpg = "Database.spec.schemas"}),
      key<&Database::reclaim_policy>("reclaimPolicy",
                                     "What happens to the data when the object goes: retain "
                                     "(default) or delete."),
      key<&Database::ensure>("ensure", "present (default) or absent."),
      key<&Database::users>("users", "Further login roles for this database."),
      key<&Database::limits>("limits", "What keeps this tenant from starving the others."),
      key<&Database::additional_database_spec>("additionalDatabaseSpec",
                                               "Any field of CNPG's Database spec, merged over the "
                                               "rest.",
                                               {.cnpg = "Database.spec", .partial = true}),
  };
  static const Record kRecord{"Database", "A database and its owner.", kKeys};
  return kRecord;
}

}  // namespace dbm::schema
