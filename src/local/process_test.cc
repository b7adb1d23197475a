#include "local/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/files.h"

namespace dbm::local {
namespace {

TEST(Process, RunTellsOutputAndStatus) {
  const auto good = run({.words = {"/bin/sh", "-c", "cat; echo err >&2"}, .input = "in\n"});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->output, "in\nerr\n");
  EXPECT_TRUE(good->good());
  EXPECT_EQ(run({.words = {"/bin/sh", "-c", "exit 7"}})->status, 7);
  EXPECT_EQ(run({.words = {"/bin/sh", "-c", "kill -9 $$"}})->status, 137);
  EXPECT_FALSE(run({.words = {"/no/such/program"}}));
  const Status failed = run_well({.words = {"/bin/sh", "-c", "echo why; exit 3"}}, "the program");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "the program failed with exit code 3:\nwhy");
}

TEST(Process, NothingOfTheUsersSettingsReachesPrograms) {
  setenv("PGDATA", "/elsewhere", 1);
  const auto said = run({.words = {"/usr/bin/env"}, .environment = {"PGSSLMODE=require"}});
  unsetenv("PGDATA");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->output.find("PGDATA"), std::string::npos);
  EXPECT_NE(said->output.find("PGSSLMODE=require\n"), std::string::npos);
}

TEST(Process, InterruptEndsProgramsAndWaits) {
  std::thread other([] { interrupt(); });
  EXPECT_FALSE(run({.words = {"/bin/sh", "-c", "echo begun; exec sleep 600"}}));
  EXPECT_FALSE(wait_until([] { return false; }, std::chrono::minutes(10)));
  EXPECT_TRUE(is_interrupted());
  other.join();
  resume();
  EXPECT_FALSE(is_interrupted());
  EXPECT_TRUE(run({.words = {"/bin/true"}}));
}

TEST(Process, AnEndedChildOfAnotherIsNotAlive) {
  std::array<int, 2> told{}, hold{};
  ASSERT_EQ(pipe(told.data()), 0);
  ASSERT_EQ(pipe(hold.data()), 0);
  const pid_t parent = fork();
  if (parent == 0) {  // has a child that ends, and never collects it
    close(hold[1]);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    siginfo_t ended;
    waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    char byte = 0;
    if (write(told[1], &child, sizeof child) != sizeof child || read(hold[0], &byte, 1) != 0) _exit(1);
    _exit(0);
  }
  pid_t zombie = 0;
  ASSERT_EQ(read(told[0], &zombie, sizeof zombie), static_cast<ssize_t>(sizeof zombie));
  EXPECT_EQ(kill(zombie, 0), 0);
  EXPECT_FALSE(is_alive(zombie));
  EXPECT_TRUE(is_alive(parent));
  EXPECT_TRUE(is_alive(getpid()));
  for (const int end : {told[0], told[1], hold[0], hold[1]}) close(end);
  EXPECT_EQ(waitpid(parent, nullptr, 0), parent);
  EXPECT_FALSE(is_alive(parent));
}

TEST(Process, APidFileCountsForItsProgramOnly) {
  const std::string file = ::testing::TempDir() + "/dbm_pid_" + std::to_string(getpid());
  const auto write = [&](const std::string& text) { ASSERT_TRUE(write_atomically(file, text, 0600)); };
  EXPECT_FALSE(running(file, "local_test"));
  for (const char* nobody : {"", "words\n", "0\n", "-1\n", "1\n", "4194305\n"}) {
    write(nobody);
    EXPECT_FALSE(running(file, "local_test")) << nobody;
  }
  write(std::to_string(getpid()) + "\nmore\n");
  EXPECT_EQ(running(file, "local_test"), getpid());
  EXPECT_FALSE(running(file, "postgres"));
  unlink(file.c_str());
}

TEST(Process, TailBeginsWithAWholeLine) {
  EXPECT_EQ(tail("a\nb\n\n"), "a\nb");
  EXPECT_EQ(tail("first\nsecond\nthird\n", 9), "third");
  EXPECT_EQ(tail(""), "");
}

}  // namespace
}  // namespace dbm::local
