// Schedules, quantities, times, parameters: the small languages of CloudNativePG's fields.

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cnpg/cron.h"
#include "cnpg/parameters.h"
#include "cnpg/quantity.h"
#include "cnpg/timestamp.h"

namespace dbm::cnpg {
namespace {

TEST(Cron, TakesWhatTheOperatorTakes) {
  for (const char* text :
       {"0 0 0 * * *", "0 0 0 1 1 MON", "*/5 * * * * ?", "0 0-10/2 1,2 * jan-mar sun", "@daily",
        "@every 6h", "@every 1h30m", "0 0 * * *", "59 59 23 31 12 6", "  0   0 0 * *  *"})
    EXPECT_EQ(parse_schedule(text).error, "") << text;
  EXPECT_TRUE(parse_schedule("0 0 * * *").five_fields);
  EXPECT_FALSE(parse_schedule("0 0 0 * * *").five_fields);
}

TEST(Cron, RefusesTheRest) {
  for (const char* text :
       {"", "nightly", "* * * *", "0 0 0 * * * *", "60 0 0 * * *", "0 60 0 * * *", "0 0 24 * * *",
        "0 0 0 32 * *", "0 0 0 0 * *", "0 0 0 * 13 *", "0 0 0 * * 7", "0 0 0 * * L", "*/0 * * * * *",
        "5-1 * * * * *", "0 0 0 * * FUN", "@reboot", "@every", "@every 6", "TZ=UTC 0 0 0 * * *", "-1 0 0 * * *"})
    EXPECT_NE(parse_schedule(text).error, "") << text;
}

TEST(Quantity, ReadsEveryUnit) {
  const auto value = [](const char* text) { return static_cast<double>(parse_quantity(text)->value); };
  EXPECT_EQ(value("1"), 1);
  EXPECT_EQ(value("1.5Gi"), 1.5 * 1024 * 1024 * 1024);
  EXPECT_EQ(value("1k"), 1000);
  EXPECT_EQ(value("-2"), -2);
  EXPECT_EQ(value("2e3"), 2000);
  EXPECT_EQ(value("1E"), 1e18);
  EXPECT_NEAR(value("500m"), 0.5, 1e-12);
}

TEST(Quantity, RefusesTheRest) {
  for (const char* text : {"", "Gi", "1GB", "1 Gi", "1KI", "1.2.3", "e3", "1e", "0x10", "one", "1ee3", "1e-2147483648",
                           "1e2147483647", "1e-1001", "1e99999999999"})
    EXPECT_FALSE(parse_quantity(text)) << text;
}

TEST(Quantity, CompareAcrossUnits) {
  EXPECT_TRUE(rc::check([] {
    const int n = *rc::gen::inRange(1, 1'000'000);
    const auto mi = parse_quantity(std::to_string(n) + "Mi");
    const auto ki = parse_quantity(std::to_string(int64_t{n} * 1024) + "Ki");
    const auto more = parse_quantity(std::to_string(n + 1) + "Mi");
    const auto whole = parse_quantity(std::to_string(n)), milli = parse_quantity(std::to_string(int64_t{n} * 1000) + "m");
    RC_ASSERT(*mi == *ki);
    RC_ASSERT(*whole == *milli);
    RC_ASSERT(*mi < *more);
  }));
}

TEST(Quantity, SmallUnitsAreExact) {
  EXPECT_TRUE(rc::check([] {
    const std::string n = std::to_string(*rc::gen::inRange(1, 1'000'000));
    RC_ASSERT(*parse_quantity(n) == *parse_quantity(n + "000m"));
    RC_ASSERT(*parse_quantity(n) == *parse_quantity(n + "000000u"));
    RC_ASSERT(*parse_quantity(n + "000e-3") == *parse_quantity(n));
    RC_ASSERT(*parse_quantity("0.5" + n) == *parse_quantity("5" + n + "e-" + std::to_string(n.size() + 1)));
  }));
}

TEST(Quantity, PostgresqlSizes) {
  EXPECT_EQ(*parse_pg_size("1GB"), *parse_quantity("1Gi"));
  EXPECT_EQ(*parse_pg_size("1 GB"), *parse_quantity("1Gi"));
  EXPECT_EQ(*parse_pg_size("512kB"), *parse_quantity("512Ki"));
  EXPECT_EQ(*parse_pg_size("256"), *parse_quantity("256Mi"));
  EXPECT_EQ(*parse_pg_size("8192B"), *parse_quantity("8192"));
  for (const char* text : {"", "1Gi", "256m", "25%", "B", "GB"}) EXPECT_FALSE(parse_pg_size(text)) << text;
}

TEST(Timestamp, Rfc3339) {
  for (const char* text : {"2026-01-31T10:00:00Z", "2024-02-29T23:59:59.123+02:00"})
    EXPECT_TRUE(is_rfc3339(text)) << text;
  for (const char* text : {"", "2026-01-31", "2026-02-30T10:00:00Z", "2026-01-31T24:00:00Z",
                           "2026-01-31 10:00:00Z", "2026-01-31T10:00:00", "2026-01-31T10:00:00.Z",
                           "2026-13-01T10:00:00Z", "2025-02-29T10:00:00Z", "2026-01-31T10:00:00+2"})
    EXPECT_FALSE(is_rfc3339(text)) << text;
}

TEST(Timestamp, TargetTimes) {
  for (const char* text : {"2026-01-31T10:00:00Z", "2026-01-31 10:00:00", "2026-01-31 10:00:00.5+02",
                           "2026-01-31 10:00:00-02:30"})
    EXPECT_TRUE(is_target_time(text)) << text;
  for (const char* text : {"yesterday", "2026-01-31", "2026-01-31 10:00", "2026-01-31 10:00:00 UTC"})
    EXPECT_FALSE(is_target_time(text)) << text;
}

TEST(Parameters, AreKnown) {
  EXPECT_FALSE(fixed_parameter("port").empty());
  EXPECT_FALSE(fixed_parameter("shared_preload_libraries").empty());
  EXPECT_TRUE(fixed_parameter("work_mem").empty());
  EXPECT_EQ(mandatory_value("port"), "5432");
  EXPECT_EQ(mandatory_value("work_mem"), "");
  EXPECT_TRUE(std::ranges::is_sorted(pgbouncer_parameters()));
  EXPECT_TRUE(allows_pgbouncer_parameter("default_pool_size", Version::k1_25));
  EXPECT_FALSE(allows_pgbouncer_parameter("pool_mode", kLatest));
  EXPECT_FALSE(allows_pgbouncer_parameter("client_tls_ciphers", Version::k1_26));
  EXPECT_TRUE(allows_pgbouncer_parameter("client_tls_ciphers", Version::k1_27));
}

TEST(Parameters, ReservedRoles) {
  for (const char* name : {"postgres", "streaming_replica", "pg_monitor", "cnpg_x"})
    EXPECT_TRUE(is_reserved_role(name)) << name;
  for (const char* name : {"app", "Postgres", "pgx", ""}) EXPECT_FALSE(is_reserved_role(name)) << name;
}

}  // namespace
}  // namespace dbm::cnpg
