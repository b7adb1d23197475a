#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>

#include "base/child.h"
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

/// A folder of its own, gone at the end of the scope.
struct Scratch {
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "base_test.XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
  std::filesystem::path path;
};

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST(Files, AreReplacedAtOnce) {
  const Scratch scratch;
  const auto file = scratch.path / "file";
  for (const bool durable : {false, true})
    for (const mode_t mode : {0600u, 0644u}) {
      ASSERT_TRUE(write_atomically(file, "text", mode, durable));
      EXPECT_EQ(*read_text(file), "text");
      EXPECT_EQ(mode_of(file), mode);
    }
  OpenFile old(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(replace_file(file, "secret", 0600));
  char buffer[16];
  EXPECT_EQ(read(old.fd(), buffer, sizeof buffer), 4);  // who had it open sees the old text
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(Files, ALinkIsReplaced) {
  const Scratch scratch;
  const auto link = scratch.path / "link", target = scratch.path / "target";
  ASSERT_TRUE(write_atomically(target, "old", 0644));
  std::filesystem::create_symlink(target, link);
  ASSERT_TRUE(write_atomically(link, "secret", 0600));
  EXPECT_EQ(*read_text(target), "old");
  EXPECT_EQ(*read_text(link), "secret");
  EXPECT_FALSE(std::filesystem::is_symlink(link));
}

TEST(Files, AFailureLeavesNothingBehind) {
  const Scratch scratch;
  const auto folder = scratch.path / "folder";
  ASSERT_TRUE(make_folders(folder / "inner"));
  EXPECT_EQ(write_atomically(folder, "text", 0600).error().message,
            "cannot write " + folder.string() + ": Is a directory");
  EXPECT_FALSE(write_atomically(scratch.path / "no" / "file", "text", 0600));
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(Files, AreWrittenWhereTheyDiffer) {
  const Scratch scratch;
  const auto file = scratch.path / "file";
  EXPECT_TRUE(*write_if_changed(file, "text", 0600));
  EXPECT_FALSE(*write_if_changed(file, "text", 0600));
  EXPECT_TRUE(*write_if_changed(file, "tex2", 0600));
  EXPECT_TRUE(*write_if_changed(file, "tex2", 0644));
  EXPECT_EQ(mode_of(file), 0644u);
}

TEST(Files, FoldersAreMadePrivate) {
  const Scratch scratch;
  ASSERT_TRUE(make_folders(scratch.path / "a" / "b"));
  ASSERT_TRUE(make_folders(scratch.path / "a" / "b"));
  EXPECT_EQ(mode_of(scratch.path / "a"), 0700u);
  EXPECT_EQ(mode_of(scratch.path / "a" / "b"), 0700u);
  std::filesystem::create_symlink(scratch.path / "a", scratch.path / "link");
  EXPECT_TRUE(make_folders(scratch.path / "link"));
}

TEST(Files, AFolderCannotBeAFileOrALoop) {
  const Scratch scratch;
  const auto file = scratch.path / "file", loop = scratch.path / "loop";
  ASSERT_TRUE(write_atomically(file, "", 0600));
  std::filesystem::create_symlink(loop, loop);
  const auto said = [](const std::filesystem::path& path) { return make_folders(path).error().message; };
  EXPECT_EQ(said(file), "cannot make the folder " + file.string() + ": Not a directory");
  EXPECT_EQ(said(loop), "cannot make the folder " + loop.string() + ": Too many levels of symbolic links");
  EXPECT_FALSE(make_folders(loop / "inner"));
}

/// The exit code of a shell command with this environment, and what it printed.
std::pair<int, std::string> run_shell(const std::string& command, std::vector<std::string> environment = {}) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {-1, ""};
  const OpenFile out(ends[0]);
  OpenFile in(ends[1]);
  FileActions actions;
  posix_spawn_file_actions_adddup2(actions.get(), in.fd(), STDOUT_FILENO);
  const auto pid = start_child("/bin/sh", {"sh", "-c", command}, std::move(environment), actions);
  if (!pid) return {-1, pid.error().message};
  in.close();
  std::string said;
  char c = 0;
  while (read(out.fd(), &c, 1) == 1) said += c;
  int status = 0;
  waitpid(*pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), said};
}

TEST(Child, HasItsWordsAndItsEnvironmentOnly) {
  EXPECT_EQ(run_shell("exit 7").first, 7);
  EXPECT_EQ(run_shell("echo \"$A-$HOME\"", {"A=1 2"}).second, "1 2-\n");
}

TEST(Child, IgnoresNoSignalThatWeIgnore) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run_shell("kill -PIPE $$; exit 0").first, 128 + SIGPIPE);
  std::signal(SIGPIPE, before);
}

TEST(Child, AMissingProgramIsAnError) {
  FileActions actions;
  EXPECT_EQ(start_child("/nowhere/program", {"program"}, {}, actions).error().message,
            "cannot start /nowhere/program: No such file or directory");
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
