#include "release/session.h"

#include <algorithm>

#include "release/expected.h"
#include "release/tree.h"
#include "secrets/base64.h"

namespace dbm::release {
namespace {

bool has_foreign_kinds(const ApplySet& set) {
  return std::ranges::any_of(set.group_kinds, [](const std::string& kind) { return !kube::well_known_group_kind(kind); });
}

}  // namespace

Status Session::look_for_parent() {
  live_ = std::make_unique<Live>();
  looked_ = false;
  return release::look_for_parent(client_, release_, *live_);
}

/// Afresh when it was looked before.
Status Session::start_over() {
  if (looked_)
    if (auto found = look_for_parent(); !found) return found;
  looked_ = true;
  return Ok{};
}

Status Session::look(Source source) {
  source_ = std::move(source);
  return look_again();
}

Status Session::look_again() {
  if (auto begun = start_over(); !begun) return begun;
  ApplySet set = live_->set();
  if (has_unknown_kinds(*source_.values) || has_foreign_kinds(set))
    if (auto learnt = kinds_.learn(client_); !learnt) return learnt;
  set.add(expected(source_, kinds_));
  if (auto members = look_for_members(client_, kinds_, release_, set, *live_); !members) return members;
  if (auto rendered = render(); !rendered) return rendered;
  bool knows_more = false;
  if (auto others = look_for_strangers(knows_more); !others || !knows_more) return others;
  return render();
}

Status Session::look_for_all() {
  if (auto begun = start_over(); !begun) return begun;
  const ApplySet set = live_->set();
  if (has_foreign_kinds(set))
    if (auto learnt = kinds_.learn(client_); !learnt) return learnt;
  wanted_ = std::make_unique<Wanted>();
  if (auto kept = look_for_kept_secrets(client_, release_, *live_); !kept) return kept;
  return look_for_members(client_, kinds_, release_, set, *live_);
}

/// What stands where ours should be and was in no list. `knows_more`: passwords among it.
Status Session::look_for_strangers(bool& knows_more) {
  std::vector<Missing> missing;
  std::vector<Id> passwords;
  for (const Object& object : wanted_->objects) {
    if (live_->find(object.id()) != nullptr) continue;
    missing.push_back({object.resource, object.ns, object.name});
    if (object.made == Made::kOnce) passwords.push_back(object.id());
  }
  if (auto looked = look_for_others(client_, release_, missing, *live_); !looked) return looked;
  // Also those that became members since the lists were made: another apply is at work.
  knows_more = std::ranges::any_of(passwords, [&](const Id& id) { return live_->find(id) != nullptr; });
  return Ok{};
}

std::optional<secrets::Secret> Session::known_password(std::string_view secret) const {
  const LiveObject* live = live_->find({"Secret", release_.ns, secret});
  if (live == nullptr || owner_of(live->value, release_) != Owner::kUs) return std::nullopt;
  auto decoded = secrets::decode_base64(text_at(live->value, {"data", "password"}));
  if (!decoded || decoded->empty()) return std::nullopt;
  return secrets::Secret(std::move(*decoded));
}

Status Session::render() {
  auto passwords = Passwords::make(source_.key_file, source_.clusters, release_.ns,
                                   [this](std::string_view secret) { return known_password(secret); });
  if (!passwords) return std::move(passwords).error();
  passwords_ = std::move(passwords).value();
  const auto once = made_once(source_.clusters, !source_.key_file.empty());
  wanted_ = std::make_unique<Wanted>();
  return render_wanted({.values = source_.values,
                        .clusters = source_.clusters,
                        .options = &source_.options,
                        .password = [this](const spec::Cluster& c, size_t i) { return passwords_->of(c, i); },
                        .is_made_once = [&](std::string_view name) { return once.contains(name); }},
                       kinds_, *wanted_);
}

Result<bool> Session::passwords_changed() const {
  Live now;
  if (auto looked = look_for_role_passwords(client_, release_, now); !looked) return std::move(looked).error();
  return std::ranges::any_of(wanted_->objects, [&](const Object& object) {
    const LiveObject* live = object.made == Made::kOnce ? now.find(object.id()) : nullptr;
    const std::string_view password = live != nullptr ? text_at(live->value, {"data", "password"}) : "";
    return !password.empty() && password != text_at(object.value, {"data", "password"});
  });
}

Plan Session::plan(const PlanOptions& options) const { return make_plan(*wanted_, *live_, release_, options); }

}  // namespace dbm::release
