#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace lamplighter {

// A YAML file read into a proto message, which is its schema: keys are field
// names in snake_case, enumerators lower-case words (text for TEXT), durations
// as Go writes them (500ms, 5m), google.protobuf.Duration; integers with the
// option `bytes_size` may be written 25MiB. Unknown and repeated keys are
// errors.
//
// Remembers on which line each value stood, so that whoever finds a value to be
// wrong can say where.
class ConfigFile {
 public:
  // Fills `message`. InvalidArgument as "FILE:LINE: path.to.key: what is
  // wrong", one line per mistake and all mistakes at once; NotFound if there is
  // no such file.
  static absl::StatusOr<ConfigFile> Load(const std::string& path,
                                         google::protobuf::Message& message);

  // The same from `text`; errors name `path`.
  static absl::StatusOr<ConfigFile> Parse(absl::string_view text,
                                          const std::string& path,
                                          google::protobuf::Message& message);

  // InvalidArgument "FILE:LINE: field: problem" for a value that was read but
  // cannot be used. `field` is the path to it: "ingest.sources[1].name". Where
  // the file does not have it, the line is that of its nearest parent.
  absl::Status Error(absl::string_view field, absl::string_view problem) const;

 private:
  std::string path_;
  std::map<std::string, int> lines_;  // path to a value -> its line, from 1
};

}  // namespace lamplighter
