#include "cnpg/image.h"

namespace dbm::cnpg {

std::string_view image_tag(std::string_view image) {
  const size_t digest = image.find("@sha256:");
  const std::string_view named = image.substr(0, digest);
  const size_t colon = named.rfind(':');
  if (colon != named.npos && named.find('/', colon) == named.npos) return named.substr(colon + 1);
  return digest != image.npos ? std::string_view() : std::string_view("latest");
}

int tag_major(std::string_view tag) {
  int major = 0;
  for (const char c : tag) {
    if (c < '0' || c > '9' || major > 1000) break;
    major = major * 10 + (c - '0');
  }
  return major;
}

}  // namespace dbm::cnpg
