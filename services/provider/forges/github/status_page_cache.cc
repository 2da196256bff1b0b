#include "services/provider/forges/github/status_page_cache.h"

#include <iterator>
#include <utility>

namespace lamplighter::provider {
namespace {

// About what it takes up.
size_t SizeOf(const std::string& key, const StatusPageCache::Entry& entry) {
  size_t size = 2 * key.size() + entry.etag.size() + sizeof(entry);
  for (const ForgeStatus& status : entry.page.statuses) {
    size += sizeof(status) + status.context.size() + status.state.size() +
            status.description.size() + status.target_url.size() +
            status.id.size();
  }
  return size;
}

}  // namespace

std::shared_ptr<const StatusPageCache::Entry> StatusPageCache::Find(
    const std::string& key) {
  const auto it = index_.find(key);
  if (it == index_.end()) return nullptr;
  items_.splice(items_.begin(), items_, it->second);
  return it->second->entry;
}

void StatusPageCache::Keep(const std::string& key, Entry entry) {
  if (const auto it = index_.find(key); it != index_.end()) Forget(it->second);
  const size_t bytes = SizeOf(key, entry);
  if (bytes > max_bytes_) return;
  items_.push_front(
      {key, std::make_shared<const Entry>(std::move(entry)), bytes});
  index_[key] = items_.begin();
  bytes_ += bytes;
  while (items_.size() > max_entries_ || bytes_ > max_bytes_) {
    Forget(std::prev(items_.end()));
  }
}

void StatusPageCache::Forget(std::list<Item>::iterator item) {
  bytes_ -= item->bytes;
  index_.erase(item->key);
  items_.erase(item);
}

}  // namespace lamplighter::provider
