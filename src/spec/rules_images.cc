// Images and image catalogs.

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.h"
#include "spec/keys.h"
#include "spec/names.h"
#include "spec/rules.h"
#include "yaml/at.h"

namespace dbm::spec {

void check_catalog_ref(const Cluster& c, const RuleContext& context) {
  const Tree& ref = c.image_catalog_ref;
  if (ref.is_null()) return;
  if (c.has("imageName"))
    context.out.error("two-images", c.pos("imageName"), path_of(c, "imageName"),
                      "imageName and imageCatalogRef exclude each other", "leave one of them out");
  for (const auto& [name, pos, catalog] : context.values.image_catalogs) {
    if (name != text_at(ref, {"name"}) || schema::enum_name(catalog.kind) != text_at(ref, {"kind"}))
      continue;
    if (!catalog.enabled)
      context.out.error("missing-catalog", ref.pos(), path_of(c, "imageCatalogRef"),
                        fmt::format("the image catalog \"{}\" is not enabled", printable(name)));
    const Tree* major = ref.find("major");
    const auto wanted = major != nullptr ? major->as_int() : std::nullopt;
    if (!wanted || std::ranges::find(catalog.images, *wanted, &CatalogImage::major) !=
                       catalog.images.end())
      continue;
    context.out.error("missing-catalog", major->pos(), path_of(c, "imageCatalogRef.major"),
                      fmt::format("the image catalog \"{}\" has no image for major {}",
                                  printable(name), *wanted));
  }
}

void check_catalogs(const RuleContext& context) {
  for (const auto& [name, pos, catalog] : context.values.image_catalogs) {
    if (!catalog.enabled) continue;
    const std::string path = fmt::format("imageCatalogs.{}", printable(name));
    if (!is_dns_subdomain(name))
      context.out.error("bad-name", pos, path,
                        fmt::format("\"{}\" is no legal name", printable(name)),
                        "lower-case letters, digits, - and .");
    if (catalog.images.empty() || catalog.images.size() > 8)
      context.out.error("out-of-range", catalog.pos("images"), path + ".images",
                        fmt::format("a catalog has 1 to 8 images, this one {}",
                                    catalog.images.size()));
    std::unordered_map<int64_t, Pos> majors;
    for (const CatalogImage& image : catalog.images) {
      const auto [first, fresh] = majors.emplace(image.major, image.pos("major"));
      if (fresh) continue;
      Diagnostic& d = context.out.error("duplicate-major", image.pos("major"), path + ".images",
                                        fmt::format("major {} is here twice", image.major));
      d.related = first->second;
      d.related_message = "first here";
    }
  }
}

}  // namespace dbm::spec
