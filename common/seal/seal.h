#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/time/clock.h"

namespace lamplighter {

// Seals what must be kept or sent where nobody may read or change it, with keys
// of a file: a line each of 32 bytes in base64, 16 at most; blank lines and
// those that begin with # do not count. The first seals, all of them open, so
// that a key can be replaced without a gap. On the loop only.
//
// What is sealed is a version byte, eight bytes that name the key, a nonce, and
// libsodium's secretbox (XSalsa20-Poly1305): the plain text's size and 49 more.
class Seal {
 public:
  // Reads the keys. NotFound where there is no file, InvalidArgument
  // "FILE:LINE: ..." for one that cannot be used; never with what is in it.
  // `clock` must outlive the seal.
  static absl::StatusOr<std::unique_ptr<Seal>> Create(
      std::string path, const Clock& clock = Clock::System());

  // Both read the file again every few seconds; one that cannot be used leaves
  // the keys in force, and is logged.

  // `plain`, sealed with the first key. Never the same twice.
  std::string Close(absl::string_view plain);

  // What was sealed with any of the keys.
  //   FailedPrecondition  the key is not, or no longer, in the file;
  //   InvalidArgument     it is damaged, or nothing that was sealed.
  absl::StatusOr<std::string> Open(absl::string_view sealed);

  // False where it should be opened and sealed anew, before its key is taken
  // out of the file.
  bool ClosedWithFirst(absl::string_view sealed);

 private:
  // Wiped wherever it was.
  struct Key {
    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();

    std::array<unsigned char, 32> bytes = {};
    std::string id;  // of its hash
  };

  Seal(std::string path, const Clock& clock)
      : path_(std::move(path)), clock_(clock) {}

  static absl::StatusOr<Key> ReadKey(absl::string_view line);
  static absl::StatusOr<std::vector<Key>> ReadKeys(const std::string& path);
  void Refresh();

  const std::string path_;
  const Clock& clock_;
  std::vector<Key> keys_;  // one at least
  absl::Duration read_at_;
};

}  // namespace lamplighter
