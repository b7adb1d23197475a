#include "release/managed_fields.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "release/connection.h"
#include "release/tree.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using kube::Answer;
using kube::Call;
using kube::Verb;
using yaml::Value;

constexpr int kTries = 10;  // at an object that others write too

constexpr std::string_view kHelm = "helm";

/// Entries of subresources are nobody's to move: their fields are no applier's.
bool is_of(const Value& entry, std::span<const std::string_view> managers) {
  return text_at(entry, {"subresource"}).empty() &&
         std::ranges::find(managers, text_at(entry, {"manager"})) != managers.end();
}

bool has_entry_of(const Value& live, std::span<const std::string_view> managers) {
  return std::ranges::any_of(items_at(live, {"metadata", "managedFields"}),
                             [&](const Value& entry) { return is_of(entry, managers); });
}

/// The same fields, of another manager or by another operation.
Value given_to(yaml::Arena& arena, const Value& entry, std::string_view manager, std::string_view operation) {
  Value out = yaml::clone(arena, entry);
  out.set(arena, "manager", Value::string(manager));
  out.set(arena, "operation", Value::string(operation));
  return out;
}

/// The later entry, with the fields of both. Of two entries of one manager and operation the server keeps
/// only one, so they must not be written side by side.
Value united(yaml::Arena& arena, const Value& earlier, const Value& later) {
  const Value* fields = earlier.find("fieldsV1");
  const Value* more = later.find("fieldsV1");
  Value out = yaml::clone(arena, later);
  if (fields != nullptr) out.set(arena, "fieldsV1", more != nullptr ? yaml::merge(arena, *fields, *more) : *fields);
  return out;
}

/// managedFields in which the entries of these managers are one, where the first of them was: `add`
/// appends what becomes of it.
template <class Add>
Value with_united(yaml::Arena& arena, const Value& live, std::span<const std::string_view> managers, const Add& add) {
  const auto entries = items_at(live, {"metadata", "managedFields"});
  Value all;
  for (const Value& entry : entries)
    if (is_of(entry, managers)) all = all.is_null() ? entry : united(arena, all, entry);
  Value out = Value::list(arena);
  bool added = false;
  for (const Value& entry : entries) {
    if (!is_of(entry, managers))
      out.push(arena, entry);
    else if (!std::exchange(added, true))
      add(out, all);
  }
  return out;
}

/// Takes f:password out of fieldsV1. False: it was not there.
bool take_password(yaml::Arena& arena, Value& entry) {
  const Value* fields = entry.find("fieldsV1");
  if (fields == nullptr || fields->find("f:data") == nullptr) return false;
  Value all = yaml::clone(arena, *fields);  // the live object keeps its own
  Value rest = *all.find("f:data");
  if (!rest.erase("f:password")) return false;
  all.set(arena, "f:data", rest);
  entry.set(arena, "fieldsV1", all);
  return true;
}

Value password_alone(yaml::Arena& arena) {
  Value password = Value::map(arena), all = Value::map(arena);
  password.append(arena, "f:password", Value::map(arena));
  all.append(arena, "f:data", password);
  return all;
}

Call patch_call(const LiveObject& live, const Value& fields) {
  Call call = live.call(Verb::kPatch);
  call.query = kube::Query().add("fieldManager", kFieldManager).text();
  call.content_type = kube::kJsonPatch;
  call.accept = kube::kMetadataOnly;
  call.body = fmt::format(R"([{{"op":"test","path":"/metadata/resourceVersion","value":"{}"}},)"
                          R"({{"op":"replace","path":"/metadata/managedFields","value":)", live.resource_version());
  yaml::write_json(call.body, fields);
  call.body += "}]";
  return call;
}

/// One object's write, until it is through. Holds what it read.
struct Writing : std::enable_shared_from_this<Writing> {
  kube::Client& client;
  const Release& release;
  NewFields fields;
  std::function<void(std::optional<Failure>)> done;
  std::deque<Live> read = {};
  int tries = 0;

  Writing(kube::Client& c, const Release& r, NewFields f, std::function<void(std::optional<Failure>)> d)
      : client(c), release(r), fields(std::move(f)), done(std::move(d)) {}

  void write(const LiveObject& live) {
    yaml::Arena arena(16 * 1024);
    auto wanted = fields(arena, live);
    if (!wanted) return done(Failure{live.about(release), std::move(wanted).error()});
    if (wanted->is_null()) return done(std::nullopt);
    ++tries;
    client.submit(patch_call(live, *wanted), [self = shared_from_this(), &live](Answer&& answer) {
      if (answer.ok()) return self->done(std::nullopt);
      // A test that fails is no conflict for the server, but something that cannot be processed (422).
      const bool outdated = answer.error().status == 409 || answer.error().status == 422;
      if (!outdated || self->tries >= kTries) return self->done(failure_of(live.about(self->release), answer.error()));
      self->look_again(live, answer.error());
    });
  }
  void look_again(const LiveObject& before, const kube::ApiError& refusal) {
    client.submit(before.call(Verb::kGet), [self = shared_from_this(), &before, refusal](Answer&& answer) {
      const std::string name = before.about(self->release);
      if (!answer.ok()) return self->done(failure_of(name, answer.error()));
      auto live = self->read.emplace_back().take(*before.resource, answer.take_body(), self->release);
      if (!live) return self->done(Failure{name, std::move(live).error()});
      if ((*live)->resource_version() == before.resource_version()) return self->done(failure_of(name, refusal));
      self->write(**live);
    });
  }
};

}  // namespace

std::string_view manager_of_field(const Value& live, std::initializer_list<std::string_view> field) {
  for (const Value& entry : items_at(live, {"metadata", "managedFields"})) {
    const Value* fields = entry.find("fieldsV1");
    if (fields != nullptr && text_at(entry, {"subresource"}).empty() && fields->find_path(field) != nullptr)
      return text_at(entry, {"manager"});
  }
  return {};
}

bool has_fields_of_ours(const Value& live) {
  const std::string_view ours[] = {kFieldManager};
  return has_entry_of(live, ours);
}

Value taken_over(yaml::Arena& arena, const LiveObject& live, std::string_view manager) {
  const std::string_view others[] = {kHelm, manager.empty() || manager == kFieldManager ? kHelm : manager};
  if (!has_entry_of(live.value, others)) return Value::null();
  const std::string_view managers[] = {others[0], others[1], kFieldManager};
  return with_united(arena, live.value, managers, [&](Value& out, const Value& entry) {
    Value ours = given_to(arena, entry, kFieldManager, "Apply");
    if (is_password_secret(live) && take_password(arena, ours)) {
      Value made = given_to(arena, entry, kFieldManager, "Update");
      made.set(arena, "fieldsV1", password_alone(arena));
      out.push(arena, made);
    }
    out.push(arena, ours);
  });
}

Value handed_to_helm(yaml::Arena& arena, const Value& live, ApplyMethod method) {
  if (!has_fields_of_ours(live)) return Value::null();
  const std::string_view managers[] = {kFieldManager, kHelm};
  return with_united(arena, live, managers, [&](Value& out, const Value& entry) {
    out.push(arena, given_to(arena, entry, kHelm, method == ApplyMethod::kServerSide ? "Apply" : "Update"));
  });
}

void write_managed_fields(kube::Client& client, const Release& release, const LiveObject& live, NewFields fields,
                          std::function<void(std::optional<Failure>)> done) {
  std::make_shared<Writing>(client, release, std::move(fields), std::move(done))->write(live);
}

}  // namespace dbm::release
