#include "services/ingest/spool/spool.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/async_result.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace lamplighter::ingest {

namespace asio = boost::asio;

Spool::Spool(const Options& options, std::unique_ptr<SpoolFile> file,
             asio::io_context& loop, const Clock& clock)
    : options_(options),
      file_(std::move(file)),
      next_id_(file_->next_id()),
      loop_(loop),
      clock_(clock),
      usage_(file_->usage()) {}

Spool::~Spool() {
  thread_.join();
  self_.reset();
  const absl::Status stopped = absl::CancelledError("spool: stopped");
  for (Group& group : groups_) {
    for (Appended& done : group.dones) std::move(done)(stopped);
  }
  for (Waiting& waiting : queue_) std::move(waiting.done)(stopped);
}

void Spool::Append(int64_t id, std::string bytes, Appended done) {
  if (waiting_records_ >= options_.max_waiting_records ||
      waiting_bytes_ + bytes.size() > options_.max_waiting_bytes) {
    absl::Status full = absl::ResourceExhaustedError(
        absl::StrCat("spool: ", waiting_records_, " records of ",
                     waiting_bytes_, " bytes wait for the disk already"));
    asio::post(loop_,
               [done = std::move(done), full = std::move(full)]() mutable {
                 std::move(done)(std::move(full));
               });
    return;
  }
  ++waiting_records_;
  waiting_bytes_ += bytes.size();
  queue_.push_back({{id, std::move(bytes)}, std::move(done)});
  if (groups_.empty()) StartGroup();
}

void Spool::StartGroup() {
  Group group;
  std::vector<SpooledRecord> records;
  while (!queue_.empty() && records.size() < options_.max_group_records) {
    Waiting& next = queue_.front();
    const size_t bytes = group.bytes + next.record.bytes.size();
    if (!records.empty() && bytes > options_.max_group_bytes) break;
    group.bytes = bytes;
    group.dones.push_back(std::move(next.done));
    records.push_back(std::move(next.record));
    queue_.pop_front();
  }
  groups_.push_back(std::move(group));
  asio::post(thread_, [file = file_.get(), records = std::move(records),
                       now = clock_.Now(), &loop = loop_,
                       self = std::weak_ptr<Spool*>(self_)] {
    absl::Status written = file->Append(records, now);
    asio::post(loop,
               [self, written = std::move(written), usage = file->usage()] {
                 if (const auto spool = self.lock()) {
                   (*spool)->EndGroup(written, usage);
                 }
               });
  });
}

void Spool::EndGroup(absl::Status written, const SpoolUsage& usage) {
  Group group = std::move(groups_.front());
  groups_.pop_front();
  usage_ = usage;
  waiting_records_ -= group.dones.size();
  waiting_bytes_ -= group.bytes;
  if (groups_.empty() && !queue_.empty()) StartGroup();
  for (Appended& done : group.dones) std::move(done)(written);
}

template <typename T>
asio::awaitable<T> Spool::OnThread(absl::AnyInvocable<T(SpoolFile&) &&> work) {
  auto start = [this](auto handler, absl::AnyInvocable<T(SpoolFile&)&&> to_do) {
    asio::post(thread_, [file = file_.get(), to_do = std::move(to_do),
                         handler = std::move(handler), &loop = loop_,
                         self = std::weak_ptr<Spool*>(self_)]() mutable {
      T result = std::move(to_do)(*file);
      asio::post(loop, [self = std::move(self), usage = file->usage(),
                        handler = std::move(handler),
                        result = std::move(result)]() mutable {
        const auto spool = self.lock();
        if (spool == nullptr) return;
        (*spool)->usage_ = usage;
        std::move(handler)(std::move(result));
      });
    });
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable),
                                          void(T)>(
      std::move(start), asio::use_awaitable, std::move(work));
}

asio::awaitable<absl::StatusOr<std::vector<SpooledRecord>>> Spool::Read(
    size_t max_records, size_t max_bytes) {
  while (!queue_.empty()) StartGroup();
  co_return co_await OnThread<absl::StatusOr<std::vector<SpooledRecord>>>(
      [max_records, max_bytes](SpoolFile& file) {
        return file.Read(max_records, max_bytes);
      });
}

asio::awaitable<absl::Status> Spool::Settle(Settlement settlement) {
  co_return co_await OnThread<absl::Status>(
      [settlement = std::move(settlement), now = clock_.Now()](
          SpoolFile& file) { return file.Settle(settlement, now); });
}

}  // namespace lamplighter::ingest
