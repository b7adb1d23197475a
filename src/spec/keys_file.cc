// Rows of the file's top level and of image catalogs.

#include "spec/checks.h"
#include "spec/keys.h"

namespace dbm::schema {

using namespace spec;

template <>
const Record& record_of<CatalogImage>() {
  static const Key kKeys[] = {
      key<&CatalogImage::major>("major", "Major version of PostgreSQL.",
                                {.required = true, .minimum = 10, .maximum = 2147483647,
                                 .example = "17"}),
      key<&CatalogImage::image>("image", "The image of that version.",
                                {.required = true, .check = check_not_empty}),
  };
  static const Record kRecord{"CatalogImage", "The image of one major version.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<ImageCatalog>() {
  static const Key kKeys[] = {
      key<&ImageCatalog::enabled>("enabled", "Whether this catalog is rendered."),
      key<&ImageCatalog::kind>("kind", "ImageCatalog, or ClusterImageCatalog for all namespaces."),
      key<&ImageCatalog::labels>("labels", "Labels of the object.",
                                 {.check = check_labels}),
      key<&ImageCatalog::annotations>("annotations", "Annotations of the object.",
                                      {.check = check_annotations}),
      key<&ImageCatalog::images>("images", "The images, one a major version.", {.required = true}),
  };
  static const Record kRecord{"ImageCatalog", "Images by PostgreSQL major version.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Values>() {
  static const Key kKeys[] = {
      key<&Values::clusters>("clusters", "PostgreSQL clusters by name."),
      key<&Values::image_catalogs>("imageCatalogs", "Image catalogs by name."),
      key<&Values::extra_objects>("extraObjects", "Any Kubernetes objects, passed through.",
                                  {.check = check_extra_objects}),
      key<&Values::name_override>("nameOverride", "Value of the label app.kubernetes.io/name.",
                                  {.check = check_dns_label}),
      key<&Values::fullname_override>("fullnameOverride",
                                      "Accepted for the chart's sake; no object is named by it.",
                                      {.check = check_dns_label}),
  };
  static const Record kRecord{"Values", "The values file.", kKeys};
  return kRecord;
}

}  // namespace dbm::schema
