#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/status/testing/status_matchers.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/testing/store_test_fixture.h"
#include "soci/soci.h"

namespace lamplighter::reposync {

// A CatalogStore with the connections a and b of github.com, and lab of
// gitlab.com, and short ways to use it.
class CatalogFixture : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (database_ == nullptr) return;
    catalog_ = std::make_unique<CatalogStore>(*database_, clock_);
    Connect("a", "github.com");
    Connect("b", "github.com");
    Connect("lab", "gitlab.com");
  }

  void Connect(const std::string& name, const std::string& instance) {
    v1::ConnectionInfo info;
    info.set_name(name);
    info.set_type("github");
    info.set_instance(instance);
    const std::string bytes = absl::Base64Escape(info.SerializeAsString());
    ASSERT_THAT(
        Run(database_->Write<bool>(
            [name, bytes](Transaction& transaction) -> absl::StatusOr<bool> {
              transaction.sql << "INSERT INTO connections(name, origin, info, "
                                 "sealed, credential_version, check_answer, "
                                 "checked_at, check_error, created_at) VALUES "
                                 "(:name, 1, :info, '', 0, '', 0, '', 0)",
                  soci::use(name), soci::use(bytes);
              return true;
            })),
        IsOk());
  }

  static v1::CatalogRepository Repository(const std::string& forge_id,
                                          const std::string& path,
                                          const std::string& description = "") {
    v1::CatalogRepository repository;
    repository.set_forge_id(forge_id);
    repository.set_path(path);
    repository.set_repository_id("github.com/" + path);
    repository.set_group(path.substr(0, path.find('/')));
    repository.set_name(path.substr(path.rfind('/') + 1));
    repository.set_description(description);
    return repository;
  }

  Written Put(const v1::CatalogRepository& repository,
              const std::string& connection = "a") {
    absl::StatusOr<Written> written =
        Run(catalog_->Put(connection, repository));
    EXPECT_THAT(written, IsOk());
    return written.value_or(Written{});
  }

  std::vector<v1::RepositoryChange> Changes(int64_t after = 0) {
    auto changes = Run(catalog_->ReadChanges(after, 1000));
    EXPECT_THAT(changes, IsOk());
    return changes.ok() ? *changes : std::vector<v1::RepositoryChange>();
  }

  static std::vector<std::string> PathsOf(
      const std::vector<v1::CatalogEntry>& entries) {
    std::vector<std::string> paths;
    for (const v1::CatalogEntry& entry : entries) {
      paths.push_back(entry.repository().path());
    }
    return paths;
  }

  std::vector<std::string> List(v1::RepositoryFilter filter = {}) {
    v1::ListCatalogRequest request;
    *request.mutable_filter() = filter;
    auto page = Run(catalog_->List(request));
    EXPECT_THAT(page, IsOk());
    return page.ok() ? PathsOf(page->entries) : std::vector<std::string>();
  }

  std::vector<std::string> Search(const std::string& query,
                                  v1::RepositoryFilter filter = {}) {
    v1::SearchRepositoriesRequest request;
    request.set_query(query);
    *request.mutable_filter() = filter;
    auto entries = Run(catalog_->Search(request));
    EXPECT_THAT(entries, IsOk());
    return entries.ok() ? PathsOf(*entries) : std::vector<std::string>();
  }

  std::unique_ptr<CatalogStore> catalog_;
};

}  // namespace lamplighter::reposync
