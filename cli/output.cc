#include "cli/output.h"

#include <algorithm>
#include <cstddef>

#include "CLI/Validators.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "boost/json/parse.hpp"
#include "boost/json/serialize.hpp"
#include "boost/json/value.hpp"
#include "common/log/log.h"
#include "google/protobuf/util/json_util.h"

namespace lamplighter::cli {
namespace {

namespace json = boost::json;

std::string Convert(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = indented;
  std::string text;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &text, options);
  LAMPLIGHTER_CHECK(status.ok(), "a message that has no JSON");
  return text;
}

bool IsBranch(const json::value& value) {
  return (value.is_object() && !value.as_object().empty()) ||
         (value.is_array() && !value.as_array().empty());
}

// Scalars are written as JSON has them, which is YAML too.
void AppendYaml(const json::value& value, const std::string& indent,
                std::string& out) {
  const auto append = [&](const json::value& child, const std::string& lead) {
    absl::StrAppend(&out, indent, lead);
    if (IsBranch(child)) {
      out += '\n';
      AppendYaml(child, indent + "  ", out);
    } else {
      absl::StrAppend(&out, " ", json::serialize(child), "\n");
    }
  };
  if (value.is_object()) {
    for (const auto& [key, child] : value.as_object()) {
      append(child,
             absl::StrCat(absl::string_view(key.data(), key.size()), ":"));
    }
  } else if (value.is_array()) {
    for (const json::value& child : value.as_array()) append(child, "-");
  }
}

std::string Printable(absl::string_view text) {
  std::string printable(text);
  std::replace_if(printable.begin(), printable.end(), absl::ascii_iscntrl, ' ');
  return printable;
}

}  // namespace

void AddOutputOptions(CLI::App& command, OutputOptions& options) {
  command.add_option("-o,--output", options.format, "how data is written")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  command.add_flag("--no-headers", options.no_headers,
                   "no headers above a table");
}

std::string ToJson(const google::protobuf::Message& message) {
  return Convert(message, /*indented=*/true);
}

std::string ToJsonLine(const google::protobuf::Message& message) {
  return absl::StrCat(Convert(message, /*indented=*/false), "\n");
}

std::string ToYaml(const google::protobuf::Message& message) {
  boost::system::error_code error;
  const json::value value =
      json::parse(Convert(message, /*indented=*/false), error);
  LAMPLIGHTER_CHECK(!error, "protobuf's JSON is none");
  std::string out;
  AppendYaml(value, "", out);
  return out;
}

bool WriteMessage(const OutputOptions& options,
                  const google::protobuf::Message& message, std::ostream& out) {
  if (options.format == "table") return false;
  out << (options.format == "json" ? ToJson(message) : ToYaml(message));
  return true;
}

void Table::Write(const OutputOptions& options, std::ostream& out) const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (size_t r = options.no_headers ? 1 : 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < rows_[r].size(); ++i) {
      const std::string cell = Printable(rows_[r][i]);
      absl::StrAppend(&line, cell,
                      std::string(widths[i] - cell.size() + 2, ' '));
    }
    out << absl::StripTrailingAsciiWhitespace(line) << '\n';
  }
}

std::string Cut(absl::string_view text, size_t size) {
  if (text.size() <= size) return std::string(text);
  return absl::StrCat(text.substr(0, size), "...");
}

}  // namespace lamplighter::cli
