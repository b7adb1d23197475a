#pragma once

// The schedules of a ScheduledBackup, as the operator's cron library (robfig/cron, with optional
// weekday field) reads them: second minute hour day month [weekday], or @daily, @every 6h, ….

#include <string>
#include <string_view>

namespace dbm::cnpg {

struct Schedule {
  std::string error;         // empty: legal
  bool five_fields = false;  // legal, but means something else than five-field cron does
};

Schedule parse_schedule(std::string_view text);

}  // namespace dbm::cnpg
