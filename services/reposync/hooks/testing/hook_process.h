#pragma once

#include <memory>
#include <string>
#include <utility>

#include "boost/asio/io_context.hpp"
#include "common/async/task_group.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "services/reposync/hooks/hook_reconciler.h"
#include "services/reposync/hooks/hook_worker.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/hook_store.h"

namespace lamplighter::reposync {

// A reconciler with all that it stands on, as one process has it.
struct Process {
  Process(std::unique_ptr<Database> database_of_it, std::string owner,
          boost::asio::io_context& loop, HookWorker& worker, const Clock& clock)
      : database(std::move(database_of_it)),
        catalog(*database, clock),
        connections(*database, catalog, clock),
        hooks(*database, clock),
        reconciler({.owner = std::move(owner)}, loop, hooks, connections,
                   catalog, worker, clock, metrics),
        tasks(loop.get_executor(), "test") {
    tasks.Spawn(reconciler.Run());
  }

  Metrics metrics;
  std::unique_ptr<Database> database;
  CatalogStore catalog;
  ConnectionStore connections;
  HookStore hooks;
  HookReconciler reconciler;
  TaskGroup tasks;
};

}  // namespace lamplighter::reposync
