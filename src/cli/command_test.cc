#include "cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cli.h"

namespace dbm::cli {
namespace {

using testing::ElementsAre;

int call(CommandLine& line, std::vector<std::string> words) {
  std::vector<char*> argv;
  words.insert(words.begin(), "program");
  for (std::string& word : words) argv.push_back(word.data());
  return line.run(static_cast<int>(argv.size()), argv.data());
}

struct Values {
  std::string output = "text", file;
  std::vector<std::string> sets, rest;
  int count = 1;
  bool loud = false;
};

TEST(Command, ParsesIntoVariablesAndRuns) {
  CommandLine line("about", "program", "1");
  Values values;
  Command command = line.root().subcommand("act", "acts");
  command.option("-o,--output", values.output, "how").choices({"text", "json"});
  command.option("--set", values.sets, "sets");
  command.option("--count", values.count, "number").range(0, 8);
  command.flag("--loud", values.loud, "loud");
  command.argument("REST", values.rest, "others");
  command.run([&] { return 7; });
  EXPECT_EQ(call(line, {"act", "-o", "json", "--set", "a", "b", "--set=c", "--count", "3", "--loud", "d"}), 7);
  EXPECT_EQ(values.output, "json");
  EXPECT_THAT(values.sets, ElementsAre("a", "c"));
  EXPECT_THAT(values.rest, ElementsAre("b", "d"));
  EXPECT_EQ(values.count, 3);
  EXPECT_TRUE(values.loud);
  EXPECT_EQ(call(line, {"act", "-o", "xml"}), kUsage);
  EXPECT_EQ(call(line, {"act", "--count", "9"}), kUsage);
  EXPECT_EQ(call(line, {}), kUsage);
}

TEST(Command, RelationsBetweenOptionsHold) {
  CommandLine line("about", "program", "1");
  std::string a, b, c, d;
  Command command = line.root().subcommand("act", "acts");
  const Option one = command.option("--one", a, "");
  const Option two = command.option("--two", b, "").excludes(one);
  command.option("--of-one", c, "").needs(one);
  Command group = command.at_most_one("group", "");
  group.option("--left", d, "");
  group.option("--right", d, "");
  command.run([] { return kDone; }, {one, two});
  EXPECT_EQ(call(line, {"act"}), kUsage);
  EXPECT_EQ(call(line, {"act", "--one", "x"}), kDone);
  EXPECT_EQ(call(line, {"act", "--two", "x"}), kDone);
  EXPECT_EQ(call(line, {"act", "--one", "x", "--two", "x"}), kUsage);
  EXPECT_EQ(call(line, {"act", "--two", "x", "--of-one", "x"}), kUsage);
  EXPECT_EQ(call(line, {"act", "--one", "x", "--of-one", "x", "--left", "x"}), kDone);
  EXPECT_EQ(call(line, {"act", "--one", "x", "--left", "x", "--right", "x"}), kUsage);
}

TEST(Command, InfoHasWhatWasDeclared) {
  CommandLine line("about", "program", "1");
  Values values;
  Command command = line.root().subcommand("act", "acts");
  command.option("-o,--output", values.output, "how").choices({"text", "json"}).show_default();
  command.option("--file", values.file, "where").file();
  command.flag("--loud", values.loud, "loud");
  command.argument("REST", values.rest, "others").required();
  const CommandInfo info = line.root().info();
  ASSERT_EQ(info.commands.size(), 1u);
  const CommandInfo& act = info.commands.front();
  EXPECT_EQ(act.name, "act");
  EXPECT_EQ(act.description, "acts");
  ASSERT_EQ(act.options.size(), 4u);  // --help first
  const OptionInfo &output = act.options[1], &file = act.options[2], &loud = act.options[3];
  EXPECT_THAT(output.names, ElementsAre("-o", "--output"));
  EXPECT_THAT(output.choices, ElementsAre("text", "json"));
  EXPECT_EQ(output.default_value, "text");
  EXPECT_EQ(file.path, PathKind::kFile);
  EXPECT_EQ(file.value_type, "FILE");
  EXPECT_TRUE(file.takes_value);
  EXPECT_FALSE(loud.takes_value);
  ASSERT_EQ(act.positionals.size(), 1u);
  EXPECT_THAT(act.positionals.front().names, ElementsAre("REST"));
  EXPECT_TRUE(act.positionals.front().takes_many && act.positionals.front().required);
}

}  // namespace
}  // namespace dbm::cli
