#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "common/http/http_server.h"

// What the two scripted Bitbuckets have in common.
namespace lamplighter {

// A build as they keep it, in place of one with its key.
struct BitbucketBuild {
  int64_t id = 0;
  std::string repository;  // empty where it is of the commit alone
  std::string key;
  std::string state;
  std::string name;
  std::string description;
  std::string url;
  absl::Time created_at;
  absl::Time updated_at;
};

// What a request asks for; none where it is no JSON object.
absl::optional<BitbucketBuild> ReadBitbucketBuild(const HttpRequest& request);

// The builds of commits, in memory. Forgets the oldest commits beyond its
// bound.
class BitbucketBuildStore {
 public:
  explicit BitbucketBuildStore(size_t max_builds = 1'000'000)
      : max_builds_(max_builds) {}

  // `commit` is any key. Valid until the next call, as are the others.
  const BitbucketBuild& Set(const std::string& commit, BitbucketBuild build,
                            absl::Time now);
  // Null where there is none.
  const BitbucketBuild* Find(const std::string& commit,
                             absl::string_view repository,
                             absl::string_view key) const;
  // In the order they came.
  const std::vector<BitbucketBuild>& Of(const std::string& commit) const;

  size_t size() const { return size_; }
  void Clear();

 private:
  const size_t max_builds_;
  size_t size_ = 0;
  int64_t last_id_ = 0;
  absl::flat_hash_map<std::string, std::vector<BitbucketBuild>> commits_;
  std::deque<std::string> oldest_first_;
};

struct BitbucketWebhook {
  int64_t id = 0;
  std::string name;
  std::string url;
  std::string secret;
  bool active = true;
  bool verifies_tls = true;
  std::vector<std::string> events;
};

// What a request asks for, the secret apart; none where it is no JSON object
// with a URL and events, which both insist on.
absl::optional<BitbucketWebhook> ReadBitbucketWebhook(
    const boost::json::object& json);
boost::json::array EventsJson(const BitbucketWebhook& webhook);

// The webhooks of repositories, in memory.
class BitbucketWebhookStore {
 public:
  // Sets its id.
  BitbucketWebhook& Add(const std::string& repository,
                        BitbucketWebhook webhook);
  // Null where there is none of that id.
  BitbucketWebhook* Find(const std::string& repository, int64_t id);
  // False where there is none.
  bool Remove(const std::string& repository, int64_t id);
  const std::vector<BitbucketWebhook>& Of(const std::string& repository) const;
  void Clear() { repositories_.clear(); }

 private:
  int64_t last_id_ = 0;
  absl::flat_hash_map<std::string, std::vector<BitbucketWebhook>> repositories_;
};

// Access to made-up repositories: every third may be administered, every third
// written to, every third only read. Any other repository may be administered.
enum class BitbucketAccess { kRead, kWrite, kAdmin };
BitbucketAccess BitbucketAccessTo(size_t index);
BitbucketAccess BitbucketAccessTo(absl::string_view name);

// The index of the i-th to which there is at least that access, and how many
// of `all` there are.
size_t BitbucketIndexWith(BitbucketAccess access, size_t i);
size_t BitbucketCountWith(BitbucketAccess access, size_t all);

// "repo-7".
std::string BitbucketRepositoryName(size_t index);

// The value of the header Authorization that `token` is sent with: a user and
// password where it has a colon.
std::string BitbucketAuthorizationOf(absl::string_view token);

}  // namespace lamplighter
