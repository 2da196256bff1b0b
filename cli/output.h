#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace lamplighter::cli {

// How data is written.
struct OutputOptions {
  std::string format = "table";  // or json, yaml
  bool no_headers = false;
};

// Adds -o and --no-headers to a command. `options` outlives it.
void AddOutputOptions(CLI::App& command, OutputOptions& options);

// A message with its fields as they are called in its .proto.
std::string ToJson(const google::protobuf::Message& message);  // indented
std::string ToJsonLine(const google::protobuf::Message& message);
std::string ToYaml(const google::protobuf::Message& message);

// Writes `message` as json or yaml; false where that is not asked for.
bool WriteMessage(const OutputOptions& options,
                  const google::protobuf::Message& message, std::ostream& out);

// Rows of cells below headers, in columns. What could disturb a terminal is
// replaced.
class Table {
 public:
  explicit Table(std::vector<std::string> headers) {
    rows_.push_back(std::move(headers));
  }
  void Add(std::vector<std::string> cells) {
    rows_.push_back(std::move(cells));
  }
  void Write(const OutputOptions& options, std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// The first `size` bytes of `text`, with "..." where that is not all of it.
std::string Cut(absl::string_view text, size_t size);

}  // namespace lamplighter::cli
