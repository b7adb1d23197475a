#pragma once

// For the pgtests of this module: connections to the server that the process's tests share.

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sql/connection.h"
#include "testing/pg_server.h"

namespace dbm::sql::testing {

inline Target target_of(const dbm::testing::PgServer& server) {
  return {.host = server.host(),
          .port = std::stoi(server.port()),
          .user = server.user(),
          .password = secrets::Secret(std::string(server.password()))};
}

/// Aborts the test when it cannot connect.
inline Connection open(const Target& target) {
  auto opened = Connection::open(target);
  if (auto* failure = std::get_if<Failure>(&opened)) {
    ADD_FAILURE() << failure->message;
    std::abort();
  }
  return std::get<Connection>(std::move(opened));
}

/// The first value of the answer; the message where there is none.
inline std::string value(Connection& connection, const std::string& sql) {
  const Answer answer = connection.run(sql);
  if (!answer) return answer.failure().sqlstate + ": " + answer.failure().message;
  return answer->size() == 0 ? "no row" : std::string(answer->at(0, 0));
}

}  // namespace dbm::sql::testing
