#pragma once

// pgBackRest's options for the place that backups go to.

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "spec/values.h"

namespace dbm::local {

/// A folder.
std::map<std::string, std::string> folder_store(const std::filesystem::path& folder);

/// The object store of the values file (S3, Azure, GCS). Credentials that the file keeps in a
/// Kubernetes Secret are taken from the environment, under the names that the stores' own tools use
/// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AZURE_STORAGE_KEY); `folder` is for a key file.
Result<std::map<std::string, std::string>> object_store(const spec::Backup& backup,
                                                        std::string_view cluster,
                                                        const std::filesystem::path& folder);

}  // namespace dbm::local
