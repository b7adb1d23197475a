#include "local/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

class LayoutTest : public ::testing::Test {
 protected:
  LayoutTest() {
    std::string name = (fs::temp_directory_path() / "dbm_layout.XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~LayoutTest() override { fs::remove_all(folder_); }
  static std::string said(const Layout& layout) {
    const Status made = layout.make();
    return made ? "" : made.error().message;
  }
  fs::path folder_;
};

TEST_F(LayoutTest, EverythingOfAClusterHasAPlaceOfItsOwn) {
  const Layout layout("/srv/dbm");
  EXPECT_EQ(layout.lock(), "/srv/dbm/lock");
  EXPECT_EQ(layout.state(), "/srv/dbm/state.json");
  EXPECT_EQ(layout.passwords(), "/srv/dbm/passwords.json");
  EXPECT_EQ(layout.connections("shop"), "/srv/dbm/connections/shop");
  EXPECT_EQ(layout.data("shop", 2), "/srv/dbm/clusters/shop/instance-2");
  EXPECT_EQ(layout.log("shop", "instance-2"), "/srv/dbm/clusters/shop/log/instance-2.log");
  EXPECT_EQ(layout.tls("shop"), "/srv/dbm/clusters/shop/tls");
  EXPECT_EQ(layout.pooler("shop", "rw"), "/srv/dbm/clusters/shop/poolers/rw");
  EXPECT_EQ(layout.backup("shop"), "/srv/dbm/clusters/shop/backup");
  EXPECT_EQ(layout.sockets("shop", 2), "/srv/dbm/run/shop-2");
}

TEST_F(LayoutTest, TheFolderIsAbsoluteAndPlain) {
  EXPECT_EQ(Layout("/srv/./dbm/../dbm//").root(), "/srv/dbm");
  EXPECT_EQ(Layout("x").root(), fs::current_path() / "x");
  EXPECT_TRUE(Layout("").root().is_absolute());
}

TEST_F(LayoutTest, ASocketsPathIsNeverTooLong) {
  constexpr size_t kSunPath = 107;
  const std::string longest_name(50, 'c');
  for (size_t length = 1; length < 200; ++length) {
    const Layout layout("/" + std::string(length, 'x'));
    EXPECT_LE((layout.sockets(longest_name, 999) / ".s.PGSQL.65535.lock").string().size(), kSunPath) << length;
  }
  const Layout deep("/srv/" + std::string(100, 'x')), other("/srv/" + std::string(100, 'y'));
  EXPECT_THAT(deep.sockets("shop", 1).string(), StartsWith("/tmp/cnpg-dbm-"));
  EXPECT_NE(deep.sockets("shop", 1), other.sockets("shop", 1)) << "two folders share no sockets";
  EXPECT_EQ(deep.sockets("shop", 1), Layout("/srv/" + std::string(100, 'x') + "/").sockets("shop", 1)) << "every run finds them";
}

TEST_F(LayoutTest, FoldersAreMadePrivate) {
  const Layout layout((folder_ / "with a space" / "dbm").string());
  EXPECT_EQ(said(layout), "");
  EXPECT_EQ(said(layout), "") << "what is there is good";
  EXPECT_EQ(mode_of(layout.root()), 0700u);
  const fs::path run = layout.sockets("shop", 1).parent_path();  // here, or below /tmp when this is too long
  EXPECT_EQ(mode_of(run), 0700u);
  fs::remove_all(run);
  ASSERT_EQ(chmod(layout.root().c_str(), 0755), 0);
  EXPECT_EQ(said(layout), "");
  EXPECT_EQ(mode_of(layout.root()), 0700u) << "it was left open to others";
  fs::remove_all(run);
}

TEST_F(LayoutTest, CharactersThatPostgresFilesCannotHoldAreRefused) {
  for (const char c : std::string("'\"\\$`%;#\n\x01")) {
    const Layout layout((folder_ / (std::string("a") + c)).string());
    EXPECT_THAT(said(layout), HasSubstr("a character in its name")) << static_cast<int>(c);
    EXPECT_FALSE(fs::exists(layout.root()));
  }
}

TEST_F(LayoutTest, AFileALinkOrSomebodyElsesFolderIsRefused) {
  const fs::path file = folder_ / "file", link = folder_ / "link", theirs = folder_ / "theirs";
  ASSERT_TRUE(write_atomically(file, "", 0600));
  EXPECT_THAT(said(Layout(file.string())), HasSubstr("Not a directory"));
  fs::create_directory_symlink(folder_, link);
  EXPECT_THAT(said(Layout(link.string())), HasSubstr("is not a folder of this user")) << "whoever made it can turn it elsewhere";
  if (geteuid() != 0) return;
  fs::create_directory(theirs);
  ASSERT_EQ(chown(theirs.c_str(), 65534, 65534), 0);
  EXPECT_THAT(said(Layout(theirs.string())), HasSubstr("is not a folder of this user"));
  EXPECT_NE(mode_of(theirs), 0700u) << "it is left as it was";
}

}  // namespace
}  // namespace dbm::local
