#pragma once

// Lists of objects, page by page, and watches that go on from them.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/client.h"
#include "yaml/value.h"

namespace dbm::kube {

/// Objects of a list with the memory that they stand in. Owns it; the values live as long.
struct Listing {
  std::vector<yaml::Value> items;
  std::string resource_version;  // to watch from

  struct Page {
    std::string body;  // wiped: it may hold Secrets
    yaml::Arena arena{4 * 1024};
    Page() = default;
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    ~Page() { secrets::wipe(body); }
  };
  std::deque<Page> pages;
};

struct ListOptions {
  std::string label_selector = {}, field_selector = {};
  std::string_view accept = "application/json";
  size_t page = 1000;  // objects
};

/// Asks for all objects of a kind; `done` gets the listing, or why there is none, from drive(). A
/// list that grew too old between two pages (410) is begun again.
void list(Client& client, const Resource& resource, const std::string& ns, const ListOptions& options,
          std::function<void(Result<std::unique_ptr<Listing>>, const ApiError*)> done);

}  // namespace dbm::kube
