// Which Debian package has an extension.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sql/plan.h"

namespace dbm::sql {

std::string extension_hint(std::string_view extension, int major) {
  struct Package {
    std::string_view extension, package;  // {}: the major version
  };
  // Where the name is not simply the extension's (Debian, apt.postgresql.org).
  static constexpr Package kPackages[] = {
      {"vector", "postgresql-{}-pgvector"},
      {"postgis", "postgresql-{}-postgis-3"},
      {"postgis_raster", "postgresql-{}-postgis-3"},
      {"postgis_topology", "postgresql-{}-postgis-3"},
      {"postgis_sfcgal", "postgresql-{}-postgis-3"},
      {"postgis_tiger_geocoder", "postgresql-{}-postgis-3"},
      {"address_standardizer", "postgresql-{}-postgis-3"},
      {"pgrouting", "postgresql-{}-pgrouting"},
      {"pgaudit", "postgresql-{}-pgaudit"},
      {"hstore_plpython3u", "postgresql-plpython3-{}"},
      {"plpython3u", "postgresql-plpython3-{}"},
      {"plperl", "postgresql-plperl-{}"},
      {"plperlu", "postgresql-plperl-{}"},
      {"pltcl", "postgresql-pltcl-{}"},
      {"pltclu", "postgresql-pltcl-{}"},
      {"plsh", "postgresql-{}-plsh"}};
  std::string package;
  const auto* known = std::ranges::find(kPackages, extension, &Package::extension);
  if (known != std::end(kPackages)) {
    package = fmt::format(fmt::runtime(known->package), major);
  } else {
    std::string_view base = extension;
    if (base.starts_with("pg_")) base.remove_prefix(3);  // pg_cron: postgresql-15-cron
    package = fmt::format("postgresql-{}-{}", major, printable(base));
    std::ranges::replace(package, '_', '-');
  }
  return fmt::format("install it on the server's machine (Debian: perhaps {})", package);
}

}  // namespace dbm::sql
