#include "base/error_code.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "base/result.h"

namespace dbm {
namespace {

TEST(ErrorCode, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kNoSpace); ++code)
    EXPECT_TRUE(names.insert(to_string(static_cast<ErrorCode>(code))).second) << code;
}

TEST(ErrorCode, OfHttp) {
  EXPECT_EQ(code_of_http(0), ErrorCode::kUnreachable);
  EXPECT_EQ(code_of_http(401), ErrorCode::kUnauthorized);
  EXPECT_EQ(code_of_http(403), ErrorCode::kForbidden);
  EXPECT_EQ(code_of_http(404), ErrorCode::kNotFound);
  EXPECT_EQ(code_of_http(409), ErrorCode::kConflict);
  EXPECT_EQ(code_of_http(422), ErrorCode::kInvalid);
  EXPECT_EQ(code_of_http(429), ErrorCode::kTooMany);
  EXPECT_EQ(code_of_http(503), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of_http(418), ErrorCode::kFailed);
}

TEST(ErrorCode, OfErrno) {
  EXPECT_EQ(code_of_errno(ENOENT), ErrorCode::kNotFound);
  EXPECT_EQ(code_of_errno(EACCES), ErrorCode::kForbidden);
  EXPECT_EQ(code_of_errno(ENOSPC), ErrorCode::kNoSpace);
  EXPECT_EQ(code_of_errno(EIO), ErrorCode::kIo);
}

TEST(ErrorCode, OfSqlState) {
  EXPECT_EQ(code_of_sqlstate(""), ErrorCode::kUnreachable);
  EXPECT_EQ(code_of_sqlstate("28P01"), ErrorCode::kUnauthorized);
  EXPECT_EQ(code_of_sqlstate("3D000"), ErrorCode::kNotFound);
  EXPECT_EQ(code_of_sqlstate("42501"), ErrorCode::kForbidden);
  EXPECT_EQ(code_of_sqlstate("42601"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of_sqlstate("57014"), ErrorCode::kTimedOut);
  EXPECT_EQ(code_of_sqlstate("57P03"), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of_sqlstate("53300"), ErrorCode::kTooMany);
}

TEST(ErrorCode, StaysWithTheErrorOnItsWayUp) {
  const Error error = Error{"no such file", "", ErrorCode::kNotFound}.about("values.yaml");
  EXPECT_EQ(error.message, "values.yaml: no such file");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ((Error{"x", ""}).code, ErrorCode::kFailed);
}

TEST(ErrorCode, OnlyWhatMayPassIsTransient) {
  EXPECT_TRUE(is_transient(code_of_http(503)));
  EXPECT_TRUE(is_transient(code_of_http(409)));
  EXPECT_FALSE(is_transient(code_of_http(403)));
  EXPECT_FALSE(is_transient(code_of_http(422)));
}

}  // namespace
}  // namespace dbm
