#pragma once

// What a value of the right type must still obey, for the `check` of schema rows: each function
// reports at the decoder's path and place what is wrong and what to write instead.

#include "schema/decode.h"

namespace dbm::spec {

using schema::Decoder;

void check_not_empty(Decoder& decoder, const yaml::Value& value);
/// RFC 1123 label and subdomain.
void check_dns_label(Decoder& decoder, const yaml::Value& value);
void check_dns_subdomain(Decoder& decoder, const yaml::Value& value);
/// Labels and annotations of an object.
void check_labels(Decoder& decoder, const yaml::Value& value);
void check_annotations(Decoder& decoder, const yaml::Value& value);
/// A key of a Secret: [-._a-zA-Z0-9]+.
void check_secret_key(Decoder& decoder, const yaml::Value& value);
/// A PostgreSQL identifier: 1 to 63 bytes, no NUL (PostgreSQL, 4.1.1).
void check_identifier(Decoder& decoder, const yaml::Value& value);
/// An identifier that CNPG lets a tenant's database have.
void check_database_name(Decoder& decoder, const yaml::Value& value);
/// An identifier that CNPG lets a tenant's role have.
void check_role_name(Decoder& decoder, const yaml::Value& value);
/// What PostgreSQL refuses as a role's name even in quotes: `"public"` in a GRANT means everybody.
bool is_keyword_role(std::string_view name);
/// A Kubernetes quantity above zero.
void check_quantity(Decoder& decoder, const yaml::Value& value);
/// PostgreSQL's time and memory settings ("30s", "16MB", "-1").
void check_pg_duration(Decoder& decoder, const yaml::Value& value);
void check_pg_memory(Decoder& decoder, const yaml::Value& value);
/// Prometheus' durations ("1h30m").
void check_prometheus_duration(Decoder& decoder, const yaml::Value& value);
/// The address field of pg_hba.conf.
void check_hba_address(Decoder& decoder, const yaml::Value& value);
void check_url(Decoder& decoder, const yaml::Value& value);
/// Cron as CNPG reads it; five fields are warned about (they are read as minutes-first).
void check_schedule(Decoder& decoder, const yaml::Value& value);
/// CNPG's retention policy: a number and d, w or m.
void check_retention(Decoder& decoder, const yaml::Value& value);
void check_target_time(Decoder& decoder, const yaml::Value& value);
/// A Kubernetes object: apiVersion, kind, metadata.name.
void check_extra_objects(Decoder& decoder, const yaml::Value& value);

}  // namespace dbm::spec
