#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/task_group.h"
#include "services/reposync/connections/connections.h"
#include "services/reposync/hooks/hook_reconciler.h"
#include "services/reposync/hooks/testing/fake_hook_worker.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"
#include "services/reposync/service/attachments.h"
#include "services/reposync/service/catalog_methods.h"
#include "services/reposync/store/hook_store.h"

namespace lamplighter::reposync {

// All that CatalogService stands on, on a forge that is a FakeHookWorker; the
// connections "acme", "bare" without a webhook_url and "byhand", whose webhooks
// are kept by hand.
class CatalogWorld : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (IsSkipped()) return;
    hooks_ = std::make_unique<HookStore>(*database_, clock_);
    scheduler_ = std::make_unique<RefreshScheduler>(
        RefreshScheduler::Options{}, *refresher_, *connections_, *listings_,
        clock_, sleeper_, loop_.get_executor());
    all_ = std::make_unique<Connections>(
        Connections::Options{.unmanaged_hooks = {"byhand"}},
        Connections::Parts{.workers = workers_,
                           .connections = *connections_,
                           .listings = *listings_,
                           .scheduler = *scheduler_,
                           .seal = nullptr,
                           .clock = clock_});
    reconciler_ = std::make_unique<HookReconciler>(
        HookReconciler::Options{.owner = "me"}, loop_, *hooks_, *connections_,
        *catalog_, forge_, clock_, metrics_);
    tasks_.Spawn(reconciler_->Run());
    attachments_ = std::make_unique<Attachments>(
        Attachments::Parts{.catalog = *catalog_,
                           .connections = *connections_,
                           .hooks = *hooks_,
                           .reconciler = *reconciler_,
                           .all = *all_});
    methods_ = std::make_unique<CatalogMethods>(
        CatalogMethods::Parts{.catalog = *catalog_,
                              .listings = *listings_,
                              .connections = *all_,
                              .scheduler = *scheduler_,
                              .attachments = *attachments_});
    AddConnection("bare", "");
    AddConnection("byhand", "https://hooks");
    AddConnection("main", "https://hooks");
  }
  void TearDown() override {
    if (methods_ != nullptr) Run(Drain());
  }
  boost::asio::awaitable<bool> Drain() {
    co_await scheduler_->Drain(absl::ZeroDuration());
    co_await reconciler_->Drain(absl::Seconds(5));
    co_await tasks_.Drain(absl::ZeroDuration());
    co_return true;
  }

  void AddConnection(const std::string& name, const std::string& webhook_url) {
    StoredConnection connection = connection_;
    connection.info.set_name(name);
    connection.info.set_webhook_url(webhook_url);
    connection.info.add_webhook_events("push");
    ASSERT_TRUE(Run(connections_->Insert(std::move(connection))).ok());
  }
  // In the catalog as `connection` reaches it, and on the forge.
  void Have(
      int number, const std::string& connection = "main",
      v1::CatalogRepository::Access access = v1::CatalogRepository::ADMIN) {
    v1::CatalogRepository repository = Repository(number);
    repository.set_access(access);
    forge_.repositories[repository.repository_id()];
    ASSERT_TRUE(Run(catalog_->Put(connection, std::move(repository))).ok());
  }

  // Runs the loop while a call blocks on another thread.
  template <typename T>
  T Await(std::future<T> call) {
    while (call.wait_for(std::chrono::seconds(0)) !=
           std::future_status::ready) {
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(5));
    }
    return call.get();
  }
  template <typename Call>
  auto Beside(Call call) {
    return Await(std::async(std::launch::async, std::move(call)));
  }

  FakeHookWorker forge_;
  Workers workers_{{}};
  std::unique_ptr<HookStore> hooks_;
  std::unique_ptr<RefreshScheduler> scheduler_;
  std::unique_ptr<Connections> all_;
  std::unique_ptr<HookReconciler> reconciler_;
  std::unique_ptr<Attachments> attachments_;
  std::unique_ptr<CatalogMethods> methods_;
  TaskGroup tasks_{loop_.get_executor(), "test"};
};

}  // namespace lamplighter::reposync
