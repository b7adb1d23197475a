#include "cli/live_table.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/table.h"

namespace dbm::cli {
namespace {

using release::Followed;
using release::State;

struct Size {
  size_t rows = 24, columns = 80;
};
Size terminal() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return {};
  return {size.ws_row, size.ws_col};
}

bool is_ready(const Followed& followed) { return followed.readiness.state == State::kReady; }

}  // namespace

std::string name_of(const Followed& followed) { return fmt::format("{} {}", followed.resource->kind, followed.name); }

void LiveTable::show(const std::vector<Followed>& followed) {
  if (isatty(STDERR_FILENO) == 0) return print_changes(followed);
  const Size size = terminal();
  const size_t most = size.rows > 6 ? size.rows - 4 : 2;
  const auto ready = static_cast<size_t>(std::ranges::count_if(followed, is_ready));
  Table table({"OBJECT", "STATE", "MESSAGE"});
  size_t shown = 0;
  for (const Followed& each : followed) {
    if (is_ready(each) || shown == most) continue;
    ++shown;
    const std::string name = name_of(each);
    const size_t room = size.columns > name.size() + 24 ? size.columns - name.size() - 16 : 24;
    table.row({name, std::string(to_string(each.readiness.state)), printable(each.readiness.message, room)});
  }
  std::string text = table.text("");
  const size_t left = followed.size() - ready - shown;
  if (left > 0) text += fmt::format("… and {} more\n", left);
  text += fmt::format("{} of {} ready\n", ready, followed.size());
  clear();
  fmt::print(stderr, "{}", text);
  lines_ = static_cast<size_t>(std::ranges::count(text, '\n'));
}

void LiveTable::clear() {
  if (lines_ > 0) fmt::print(stderr, "\033[{}A\033[J", lines_);
  lines_ = 0;
}

void LiveTable::print_changes(const std::vector<Followed>& followed) {
  for (const Followed& each : followed) {
    std::string line = fmt::format("{}: {}{}{}", name_of(each), to_string(each.readiness.state), each.readiness.message.empty() ? "" : ": ",
                                   printable(each.readiness.message, 300));
    auto& told = told_[each.ns + "/" + name_of(each)];
    if (told != line && !(told.empty() && each.readiness.state == State::kWaiting)) fmt::print(stderr, "{}\n", line);
    told = std::move(line);
  }
}

}  // namespace dbm::cli
