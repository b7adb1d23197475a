#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <atomic>

#include "base/diagnostics.h"
#include "base/files.h"
#include "base/parallel.h"
#include "base/text.h"

namespace dbm {
namespace {

TEST(Text, NearestFindsMisspellings) {
  const std::vector<std::string_view> words = {"instances", "imageName", "storage", "poolers"};
  EXPECT_EQ(nearest("instnces", words), "instances");
  EXPECT_EQ(nearest("imagename", words), "imageName");
  EXPECT_EQ(nearest("poolesr", words), "poolers");
  EXPECT_EQ(nearest("xyz", words), "");
  EXPECT_EQ(did_you_mean("storag", words), "did you mean \"storage\"?");
}

TEST(Text, EditDistanceIsADistance) {
  EXPECT_TRUE(rc::check([](const std::string& a, const std::string& b) {
    RC_ASSERT(edit_distance(a, a) == 0u);
    RC_ASSERT(edit_distance(a, b) == edit_distance(b, a));
    RC_ASSERT(edit_distance(a, b) <= std::max(a.size(), b.size()));
  }));
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
}

TEST(Text, PrintableIsSafeForTerminals) {
  EXPECT_EQ(printable("a\x1B[31m\n\xFF" "\xC2\x9B"), "a\\x1B[31m\\x0A\\xFF\\xC2\\x9B");
  EXPECT_EQ(printable("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(printable("abcdef", 3), "abc\xE2\x80\xA6");
}

TEST(Text, JoinsWords) {
  const std::vector<std::string_view> words = {"a", "b", "c"};
  EXPECT_EQ(join_and(words), "a, b and c");
  EXPECT_EQ(join_and(std::span(words).first(1)), "a");
}

TEST(Diagnostics, AreSortedByPlace) {
  Diagnostics d;
  d.error("b", {2, 1, 0}, "", "second");
  d.warning("a", {1, 5, 0}, "", "first");
  EXPECT_EQ(d.sorted()[0].code, "a");
  EXPECT_EQ(d.errors(), 1u);
  EXPECT_EQ(d.warnings(), 1u);
  d.promote_warnings();
  EXPECT_EQ(d.errors(), 2u);
}

TEST(Diagnostics, AppendAndWithout) {
  Diagnostics a, b;
  a.error("x", {1, 1, 0}, "", "one");
  b.error("y", {1, 1, 0}, "", "same place");
  b.error("z", {2, 1, 0}, "", "other");
  a.append(std::move(b).without({{1, 1, 0}}));
  EXPECT_EQ(a.errors(), 2u);
  EXPECT_EQ(a.sorted()[1].code, "z");
}

TEST(Sources, GiveLinesWithoutTheirEnds) {
  Sources s;
  const uint16_t id = s.add("f", "one\r\ntwo\n\nfour");
  EXPECT_EQ(s.line({1, 1, id}), "one");
  EXPECT_EQ(s.line({3, 1, id}), "");
  EXPECT_EQ(s.line({4, 1, id}), "four");
  EXPECT_EQ(s.line({9, 1, id}), "");
}

TEST(Files, AFolderIsNoText) {
  EXPECT_EQ(read_text("/").error().message, "cannot read /: Is a directory");
  EXPECT_EQ(text_or_empty("/"), "");
}

TEST(Parallel, ConsumesInOrder) {
  for (const unsigned workers : {1u, 2u, 7u}) {
    std::vector<size_t> got;
    ordered_parallel(500, workers, [](size_t i) { return i * i; },
                     [&](size_t out) { got.push_back(out); });
    ASSERT_EQ(got.size(), 500u);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], i * i);
  }
}

TEST(Parallel, ConsumesOneAtATime) {
  std::atomic<int> inside = 0;
  size_t consumed = 0;
  ordered_parallel(500, 7, [](size_t i) { return i; },
                   [&](size_t) {
                     EXPECT_EQ(inside.fetch_add(1), 0);
                     ++consumed;
                     inside.fetch_sub(1);
                   });
  EXPECT_EQ(consumed, 500u);
}

TEST(Parallel, HoldsProducersBack) {
  std::atomic<size_t> consumed = 0;
  ordered_parallel(200, 3,
                   [&](size_t i) {
                     EXPECT_LE(i, consumed + 4 * 3);
                     return i;
                   },
                   [&](size_t) { ++consumed; });
}

TEST(Parallel, PassesExceptionsOn) {
  const auto fail = [](size_t i) { return i == 50 ? throw std::bad_alloc() : i; };
  const auto pass = [](size_t i) { return i; };
  for (const unsigned workers : {1u, 3u}) {
    EXPECT_THROW(ordered_parallel(100, workers, fail, [](size_t) {}), std::bad_alloc);
    EXPECT_THROW(ordered_parallel(100, workers, pass, fail), std::bad_alloc);
  }
}

}  // namespace
}  // namespace dbm
