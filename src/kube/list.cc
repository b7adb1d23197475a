#include "kube/list.h"

#include <fmt/format.h>

#include "kube/json.h"

namespace dbm::kube {
namespace {

using Done = std::function<void(Result<std::unique_ptr<Listing>>, const ApiError*)>;



constexpr int kMostRestarts = 5;

/// One list on its way, page after page. Keeps itself alive by what it submits.
struct Lister : std::enable_shared_from_this<Lister> {
  Lister(Client& c, const Resource& r, const std::string& n, const ListOptions& o, Done d)
      : client(c), resource(r), ns(n), options(o), done(std::move(d)) {}

  void ask(const std::string& from) {
    Call call{.verb = Verb::kList, .resource = resource, .ns = ns};
    Query query;
    query.add("limit", std::to_string(options.page));
    if (!options.label_selector.empty()) query.add("labelSelector", options.label_selector);
    if (!options.field_selector.empty()) query.add("fieldSelector", options.field_selector);
    if (!from.empty()) query.add("continue", from);
    call.query = query.text();
    call.accept = options.accept;
    client.submit(std::move(call), [self = shared_from_this()](Answer&& answer) { self->take(std::move(answer)); });
  }
  void take(Answer&& answer) {
    if (!answer.ok()) {
      if (answer.error().status == 410 && restarts++ < kMostRestarts) {
        listing = std::make_unique<Listing>();
        return ask({});
      }
      const ApiError error = answer.error();
      return done(error.error(fmt::format("cannot list {}{}", resource.name(), ns.empty() ? "" : " in namespace " + ns)), &error);
    }
    Listing::Page& page = listing->pages.emplace_back();
    page.body = answer.take_body();
    const auto read = read_json(page.arena, page.body);
    if (!read) return done(Error(read.error()).about("the list of " + resource.name()), nullptr);
    if (const yaml::Value* items = read->find("items"))
      listing->items.insert(listing->items.end(), items->items().begin(), items->items().end());
    if (const yaml::Value* version = read->find_path({"metadata", "resourceVersion"}))
      listing->resource_version = version->text();
    const yaml::Value* next = read->find_path({"metadata", "continue"});
    if (next != nullptr && !next->text().empty()) return ask(std::string(next->text()));
    done(std::move(listing), nullptr);
  }

  Client& client;
  Resource resource;
  std::string ns;
  ListOptions options;
  Done done;
  std::unique_ptr<Listing> listing = std::make_unique<Listing>();
  int restarts = 0;
};

}  // namespace

void list(Client& client, const Resource& resource, const std::string& ns, const ListOptions& options, Done done) {
  std::make_shared<Lister>(client, resource, ns, options, std::move(done))->ask({});
}

}  // namespace dbm::kube
