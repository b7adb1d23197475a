#include "release/helm.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>
#include <zlib.h>

#include "base/text.h"
#include "kube/json.h"
#include "release/tree.h"
#include "secrets/base64.h"
#include "yaml/reader.h"

namespace dbm::release {
namespace {

constexpr size_t kMostBytes = 256u << 20;  // of a release, unpacked

Error no_release(std::string_view why) {
  return {fmt::format("this is not a release of Helm 3 or 4: {}", why), "releases of Helm 2 are not supported"};
}

/// gzip, whose size nobody knows beforehand.
Result<std::string> unpack(std::string_view packed) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return no_release("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() < kMostBytes) {
    const size_t done = out.size();
    out.resize(std::max<size_t>(64 * 1024, done * 2));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(out.size() - done);
    state = inflate(&stream, Z_NO_FLUSH);
    out.erase(out.size() - stream.avail_out);  // what it did not fill
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END) return no_release("its gzip data is broken, or too large");
  return out;
}

/// Texts of a release stand in its own memory, which may be written.
void wipe(std::string_view text) { secrets::wipe(const_cast<char*>(text.data()), text.size()); }

/// All of it or an error: an object that is left out would stay Helm's, which nobody sees any more.
Status read_manifest(HelmRelease& release, std::string_view manifest) {
  Diagnostics diagnostics;
  const uint16_t source = release.sources.add("manifest", std::string(manifest));
  wipe(manifest);  // nobody reads it again
  const auto objects = yaml::read_all(release.arena, release.sources, source, diagnostics);
  const auto first = std::ranges::find(diagnostics.items(), Severity::kError, &Diagnostic::severity);
  if (first != diagnostics.items().end())
    return Error{fmt::format("revision {} of Helm's release {} has a manifest that cannot be read: line {}: {}", release.revision,
                             printable(release.name), first->pos.line, first->message),
                 "helm get manifest shows it; change that object with Helm first"};
  for (const yaml::Value& object : objects)
    if (object.is_map()) release.objects.push_back(object);
  return Ok{};
}

int64_t revision_of(const yaml::Value& secret) {
  int64_t out = 0;
  const std::string_view version = label(secret, "version");
  std::from_chars(version.data(), version.data() + version.size(), out);
  return out;
}

std::string identity(const yaml::Value& object) {
  return fmt::format("{} {} {}", text_at(object, {"kind"}), text_at(object, {"metadata", "namespace"}), text_at(object, {"metadata", "name"}));
}

/// The deployed revision, and those after it.
Status read_revisions(std::span<const yaml::Value> secrets, HelmSecrets& out) {
  std::vector<const yaml::Value*> newest_first;
  for (const yaml::Value& secret : secrets) newest_first.push_back(&secret);
  std::ranges::sort(newest_first, std::greater(), [](const yaml::Value* secret) { return revision_of(*secret); });
  const auto deployed = std::ranges::find_if(newest_first, [](const yaml::Value* secret) { return label(*secret, "status") == "deployed"; });
  if (deployed == newest_first.end()) return Ok{};
  for (auto each = newest_first.begin(); each <= deployed; ++each) {
    auto decoded = decode_helm_release(text_at(**each, {"data", "release"}));
    if (!decoded) return std::move(decoded).error();
    each == deployed ? void(out.latest = std::move(decoded).value()) : out.unfinished.push_back(std::move(decoded).value());
  }
  std::set<std::string> known;
  for (const yaml::Value& object : out.latest->objects) known.insert(identity(object));
  for (const auto& revision : out.unfinished)
    for (const yaml::Value& object : revision->objects)
      if (known.insert(identity(object)).second) out.latest->leftovers.push_back({object, revision->method});
  return Ok{};
}

}  // namespace

HelmRelease::~HelmRelease() {
  secrets::wipe(json);
  for (uint16_t source = 0; source < sources.size(); ++source) wipe(sources.text(source));
}

Result<std::unique_ptr<HelmRelease>> decode_helm_release(std::string_view data) {
  auto text = secrets::decode_base64(data);
  if (text) text = secrets::decode_base64(*text);
  if (!text) return no_release("it is no base64");
  auto release = std::make_unique<HelmRelease>();
  if (text->starts_with("\x1f\x8b")) {
    auto unpacked = unpack(*text);
    secrets::wipe(*text);
    if (!unpacked) return std::move(unpacked).error();
    release->json = std::move(unpacked).value();
  } else {
    release->json = std::move(*text);
  }
  const auto read = kube::read_json(release->arena, release->json);
  if (!read || !read->is_map()) return no_release("it holds no JSON object");
  release->name = text_at(*read, {"name"});
  release->status = text_at(*read, {"info", "status"});
  release->chart = fmt::format("{}-{}", text_at(*read, {"chart", "metadata", "name"}), text_at(*read, {"chart", "metadata", "version"}));
  release->revision = int_at(*read, {"version"});
  release->method = text_at(*read, {"apply_method"}) == "ssa" ? ApplyMethod::kServerSide : ApplyMethod::kClientSide;
  const yaml::Value empty = yaml::Value::map(release->arena);
  const auto map_at = [&](std::initializer_list<std::string_view> path) {
    const yaml::Value* found = read->find_path(path);
    return found != nullptr && found->is_map() ? *found : empty;
  };
  release->values = yaml::merge(release->arena, map_at({"chart", "values"}), map_at({"config"}));
  if (auto manifest = read_manifest(*release, text_at(*read, {"manifest"})); !manifest) return std::move(manifest).error();
  return release;
}

Result<HelmSecrets> look_for_helm(kube::Client& client, const std::string& ns, const std::string& name,
                                  HelmOwner owner) {
  HelmSecrets out;
  std::optional<Error> failure;
  kube::ListOptions options;
  const std::string owners = owner == HelmOwner::kHelm ? std::string(kHelmOwner) : fmt::format("{},{}", kHelmOwner, kHidden);
  options.label_selector = fmt::format("owner in ({}),name={}", owners, name);
  kube::list(client, *kube::well_known("v1", "Secret"), ns, options, [&](auto listing, const kube::ApiError*) {
    if (!listing) {
      failure = std::move(listing).error();
      return;
    }
    for (const yaml::Value& secret : (*listing)->items) out.names.emplace_back(text_at(secret, {"metadata", "name"}));
    if (auto read = read_revisions((*listing)->items, out); !read) failure = std::move(read).error();
  });
  client.drive();
  if (failure) return *failure;
  return out;
}

}  // namespace dbm::release
