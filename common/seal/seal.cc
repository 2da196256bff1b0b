#include "common/seal/seal.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/config/small_file.h"
#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

constexpr absl::Duration kReadInterval = absl::Seconds(2);
constexpr size_t kMaxFile = 64 << 10;
constexpr size_t kMaxKeys = 16;

constexpr char kVersion = 1;
constexpr size_t kIdSize = 8;
constexpr size_t kNonceAt = 1 + kIdSize;
constexpr size_t kBoxAt = kNonceAt + crypto_secretbox_NONCEBYTES;

constexpr char kKeysWanted[] =
    "must be 32 bytes in base64, e.g. of openssl rand -base64 32";

unsigned char* Bytes(char* text) {
  return reinterpret_cast<unsigned char*>(text);
}
const unsigned char* Bytes(const char* text) {
  return reinterpret_cast<const unsigned char*>(text);
}

// Wipes a text when it is done with.
class Wiped {
 public:
  explicit Wiped(std::string text) : text_(std::move(text)) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { sodium_memzero(text_.data(), text_.size()); }

  const std::string& get() const { return text_; }

 private:
  std::string text_;
};

bool CanBeSealed(absl::string_view sealed) {
  return sealed.size() >= kBoxAt + crypto_secretbox_MACBYTES &&
         sealed[0] == kVersion;
}

absl::string_view IdIn(absl::string_view sealed) {
  return sealed.substr(1, kIdSize);
}

}  // namespace

Seal::Key::~Key() { sodium_memzero(bytes.data(), bytes.size()); }

absl::StatusOr<Seal::Key> Seal::ReadKey(absl::string_view line) {
  Key key;
  static_assert(sizeof(key.bytes) == crypto_secretbox_KEYBYTES);
  size_t size = 0;
  const char* end = nullptr;
  const bool is_base64 =
      sodium_base642bin(key.bytes.data(), key.bytes.size(), line.data(),
                        line.size(), /*ignore=*/nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) == 0 &&
      end == line.data() + line.size();
  if (!is_base64 || size != key.bytes.size()) {
    return absl::InvalidArgumentError(kKeysWanted);
  }
  std::array<unsigned char, crypto_generichash_BYTES> hash;
  crypto_generichash(hash.data(), hash.size(), key.bytes.data(),
                     key.bytes.size(), nullptr, 0);
  key.id.assign(hash.begin(), hash.begin() + kIdSize);
  return key;
}

absl::StatusOr<std::vector<Seal::Key>> Seal::ReadKeys(const std::string& path) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::string text, ReadSmallFile(path, kMaxFile));
  const Wiped content(std::move(text));
  std::vector<Key> keys;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(content.get(), '\n')) {
    ++number;
    const auto error = [&](absl::string_view problem) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": ", problem));
    };
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || absl::StartsWith(line, "#")) continue;
    absl::StatusOr<Key> key = ReadKey(line);
    if (!key.ok()) return error(key.status().message());
    const bool is_double =
        std::any_of(keys.begin(), keys.end(),
                    [&](const Key& other) { return other.id == key->id; });
    if (is_double) return error("is there twice: take one of them off");
    if (keys.size() == kMaxKeys) {
      return error(absl::StrCat("there may be ", kMaxKeys,
                                " keys: take off those that seal nothing any "
                                "more"));
    }
    keys.push_back(*std::move(key));
  }
  if (!keys.empty()) return keys;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": has no key: a line ", kKeysWanted));
}

absl::StatusOr<std::unique_ptr<Seal>> Seal::Create(std::string path,
                                                   const Clock& clock) {
  if (sodium_init() < 0) {
    return absl::InternalError("libsodium cannot be set up");
  }
  auto seal = std::unique_ptr<Seal>(new Seal(std::move(path), clock));
  LAMPLIGHTER_ASSIGN_OR_RETURN(seal->keys_, ReadKeys(seal->path_));
  seal->read_at_ = clock.MonotonicNow();
  return seal;
}

void Seal::Refresh() {
  const absl::Duration now = clock_.MonotonicNow();
  if (now - read_at_ < kReadInterval) return;
  read_at_ = now;
  absl::StatusOr<std::vector<Key>> keys = ReadKeys(path_);
  if (keys.ok()) {
    keys_ = *std::move(keys);
    return;
  }
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "keys not read again")
      .With("error", keys.status().message());
}

std::string Seal::Close(absl::string_view plain) {
  Refresh();
  const Key& key = keys_.front();
  std::string sealed(kBoxAt + crypto_secretbox_MACBYTES + plain.size(), '\0');
  sealed[0] = kVersion;
  sealed.replace(1, kIdSize, key.id);
  randombytes_buf(&sealed[kNonceAt], crypto_secretbox_NONCEBYTES);
  // Cannot fail.
  static_cast<void>(crypto_secretbox_easy(
      Bytes(&sealed[kBoxAt]), Bytes(plain.data()), plain.size(),
      Bytes(&sealed[kNonceAt]), key.bytes.data()));
  return sealed;
}

absl::StatusOr<std::string> Seal::Open(absl::string_view sealed) {
  Refresh();
  if (!CanBeSealed(sealed)) {
    return absl::InvalidArgumentError("is nothing that was sealed");
  }
  const absl::string_view id = IdIn(sealed);
  const auto key =
      std::find_if(keys_.begin(), keys_.end(),
                   [&](const Key& candidate) { return candidate.id == id; });
  if (key == keys_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("sealed with a key that is not in ", path_, ": key ",
                     absl::BytesToHexString(id)));
  }
  const absl::string_view box = sealed.substr(kBoxAt);
  std::string plain(box.size() - crypto_secretbox_MACBYTES, '\0');
  const bool is_whole = crypto_secretbox_open_easy(
                            Bytes(plain.data()), Bytes(box.data()), box.size(),
                            Bytes(&sealed[kNonceAt]), key->bytes.data()) == 0;
  if (is_whole) return plain;
  return absl::InvalidArgumentError("was damaged since it was sealed");
}

bool Seal::ClosedWithFirst(absl::string_view sealed) {
  Refresh();
  return CanBeSealed(sealed) && IdIn(sealed) == keys_.front().id;
}

}  // namespace lamplighter
