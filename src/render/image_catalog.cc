// ImageCatalog and ClusterImageCatalog objects.

#include "render/kinds.h"
#include "spec/keys.h"

namespace dbm::render {
namespace {

void render_catalogs(Context& context, spec::CatalogKind kind) {
  for (const auto& [name, pos, catalog] : context.values.image_catalogs) {
    if (!catalog.enabled || catalog.kind != kind) continue;
    const bool namespaced = kind == spec::CatalogKind::kImageCatalog;
    Map object = context.object(kCnpgApi, schema::enum_name(kind), name,
                                namespaced ? std::string_view(context.options.ns) : "",
                                {.labels = &catalog.labels, .annotations = &catalog.annotations},
                                pos);
    List images(context.arena, catalog.images.size());
    for (const spec::CatalogImage& image : catalog.images) {
      Map out(context.arena, 2);
      out.set("major", image.major, image.pos("major")).set("image", image.image, image.pos("image"));
      images.add(out);
    }
    object.map("spec", 1).set("images", images.value());
    context.emit(object);
  }
}

}  // namespace

void render_image_catalogs(Context& context) {
  render_catalogs(context, spec::CatalogKind::kImageCatalog);
}

void render_cluster_image_catalogs(Context& context) {
  render_catalogs(context, spec::CatalogKind::kClusterImageCatalog);
}

}  // namespace dbm::render
