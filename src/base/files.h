#pragma once

// Files of the program's own: read whole, written whole or not at all.
// Errors name the file and the system's reason. Threads: any, on different files.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dbm {

/// "cannot WHAT: the system's reason" from errno; call it before anything else can change errno.
Error system_error(std::string_view what);

/// Writes all of it to an open file; false, with errno, when it cannot.
bool write_all(int file, std::string_view text);

Result<std::string> read_text(const std::filesystem::path& path);
/// The text, or empty when the file cannot be read: for files that need not be there.
std::string text_or_empty(const std::filesystem::path& path);

/// Replaces the file at once (a new file, renamed): a reader, or a crash, sees the old text or the
/// new one, also after a power cut. A link is replaced, not followed. The new file's mode is exactly
/// `mode`. `durable`: once this returns, a power cut cannot bring the old text back.
Status write_atomically(const std::filesystem::path& path, std::string_view text, mode_t mode,
                        bool durable = false);
/// The same, without waiting for the disk: for output that can be made again.
Status replace_file(const std::filesystem::path& path, std::string_view text, mode_t mode);
/// write_atomically where the file does not hold that text with that mode already; true when it was written.
Result<bool> write_if_changed(const std::filesystem::path& path, std::string_view text, mode_t mode);

/// Makes the folder (mode 0700) and those above it.
Status make_folders(const std::filesystem::path& path);

}  // namespace dbm
