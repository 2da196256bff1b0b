#include "common/config/config_file.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/scalar.h"
#include "common/config/small_file.h"
#include "common/status/macros.h"
#include "google/protobuf/descriptor.h"
#include "yaml-cpp/yaml.h"

namespace lamplighter {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

constexpr size_t kMaxFile = 1 << 20;

// How many letters must be changed, added or left out to make `b` of `a`.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string UnknownKey(absl::string_view key, const Descriptor& type) {
  absl::string_view nearest;
  size_t least = std::max<size_t>(key.size() / 3, 2) + 1;
  for (int i = 0; i < type.field_count(); ++i) {
    const absl::string_view name = type.field(i)->name();
    const size_t distance = EditDistance(key, name);
    if (distance >= least) continue;
    least = distance;
    nearest = name;
  }
  if (nearest.empty()) return "unknown key";
  return absl::StrCat("unknown key, did you mean ", nearest, "?");
}

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

std::string Child(const std::string& at, absl::string_view key) {
  return at.empty() ? std::string(key) : absl::StrCat(at, ".", key);
}

// Fills a message from YAML, goes on after a mistake, and notes all of them.
// Its recursion is bounded by the schema, not by the file.
class Reader {
 public:
  void ReadDocument(const std::string& text, Message& message) {
    try {
      const std::vector<YAML::Node> documents = YAML::LoadAll(text);
      if (documents.size() > 1) {
        AddMistake(LineOf(documents[1]), "", "more than one document");
      } else if (!documents.empty()) {
        ReadMessage(documents[0], LineOf(documents[0]), "", message);
      }
    } catch (const YAML::Exception& e) {
      AddMistake(e.mark.line + 1, "", e.msg);
    }
  }

  std::map<std::string, int> TakeLines() { return std::move(lines_); }

  absl::Status Result(const std::string& path) {
    if (mistakes_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(
        mistakes_, "\n", [&path](std::string* out, const auto& mistake) {
          absl::StrAppend(out, path, ":", mistake.first, ": ", mistake.second);
        }));
  }

 private:
  // `line` is where the value's key stands: for people, that is its place. A
  // null, such as a key with nothing behind it, is as if it were not there.
  void ReadMessage(const YAML::Node& node, int line, const std::string& at,
                   Message& message) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      AddMistake(line, at, "expected keys and values");
      return;
    }
    ReadEntries(node, at,
                [&](const std::string& key, const YAML::Node& value,
                    int key_line, const std::string& path) {
                  const Descriptor& type = *message.GetDescriptor();
                  const FieldDescriptor* field = type.FindFieldByName(key);
                  if (field == nullptr) {
                    AddMistake(key_line, path, UnknownKey(key, type));
                    return;
                  }
                  ReadField(value, key_line, path, *field, message);
                });
  }

  // Calls `read` for each entry of a mapping, of a key that comes twice once:
  // yaml-cpp lets both through.
  template <typename Read>
  void ReadEntries(const YAML::Node& node, const std::string& at, Read read) {
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const int line = LineOf(entry.first);
      if (!entry.first.IsScalar()) {
        AddMistake(line, at, "a key must be a word");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      const std::string path = Child(at, key);
      if (!seen.insert(key).second) {
        AddMistake(line, path, "is there twice");
        continue;
      }
      lines_[path] = line;
      read(key, entry.second, line, path);
    }
  }

  void ReadField(const YAML::Node& node, int line, const std::string& at,
                 const FieldDescriptor& field, Message& message) {
    if (node.IsNull()) return;
    if (field.is_map()) {
      ReadMap(node, line, at, field, message);
    } else if (field.is_repeated()) {
      ReadList(node, line, at, field, message);
    } else if (config_internal::IsScalar(field)) {
      ReadScalar(node, line, at, field, message);
    } else {
      ReadMessage(node, line, at,
                  *message.GetReflection()->MutableMessage(&message, &field));
    }
  }

  void ReadList(const YAML::Node& node, int line, const std::string& at,
                const FieldDescriptor& field, Message& message) {
    if (!node.IsSequence()) {
      AddMistake(line, at, "expected a list");
      return;
    }
    for (size_t i = 0; i < node.size(); ++i) {
      const YAML::Node item = node[i];
      const std::string path = absl::StrCat(at, "[", i, "]");
      lines_[path] = LineOf(item);
      if (item.IsNull()) {
        AddMistake(line, path, "must not be empty");
      } else if (config_internal::IsScalar(field)) {
        ReadScalar(item, LineOf(item), path, field, message);
      } else {
        ReadMessage(item, LineOf(item), path,
                    *message.GetReflection()->AddMessage(&message, &field));
      }
    }
  }

  void ReadMap(const YAML::Node& node, int line, const std::string& at,
               const FieldDescriptor& field, Message& message) {
    if (!node.IsMap()) {
      AddMistake(line, at, "expected keys and values");
      return;
    }
    ReadEntries(node, at,
                [&](const std::string& key, const YAML::Node& value,
                    int key_line, const std::string& path) {
                  Message& entry =
                      *message.GetReflection()->AddMessage(&message, &field);
                  const Descriptor& type = *field.message_type();
                  const absl::Status set =
                      config_internal::SetScalar(key, *type.map_key(), entry);
                  if (!set.ok()) {
                    AddMistake(key_line, path, set.message());
                    return;
                  }
                  ReadField(value, key_line, path, *type.map_value(), entry);
                });
  }

  void ReadScalar(const YAML::Node& node, int line, const std::string& at,
                  const FieldDescriptor& field, Message& message) {
    if (!node.IsScalar()) {
      AddMistake(line, at, "expected one value, not a list or keys");
      return;
    }
    const absl::Status set =
        config_internal::SetScalar(node.Scalar(), field, message);
    if (!set.ok()) AddMistake(line, at, set.message());
  }

  void AddMistake(int line, const std::string& at, absl::string_view problem) {
    mistakes_.emplace(std::max(line, 1),
                      absl::StrCat(at, at.empty() ? "" : ": ", problem));
  }

  std::map<std::string, int> lines_;
  std::multimap<int, std::string> mistakes_;  // by line
};

}  // namespace

absl::StatusOr<ConfigFile> ConfigFile::Load(const std::string& path,
                                            Message& message) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string text,
                               ReadSmallFile(path, kMaxFile));
  return Parse(text, path, message);
}

absl::StatusOr<ConfigFile> ConfigFile::Parse(absl::string_view text,
                                             const std::string& path,
                                             Message& message) {
  Reader reader;
  reader.ReadDocument(std::string(text), message);
  LAMPLIGHTER_RETURN_IF_ERROR(reader.Result(path));
  ConfigFile file;
  file.path_ = path;
  file.lines_ = reader.TakeLines();
  return file;
}

absl::Status ConfigFile::Error(absl::string_view field,
                               absl::string_view problem) const {
  absl::string_view place = field;
  auto found = lines_.find(std::string(place));
  while (found == lines_.end() && !place.empty()) {
    const size_t end = place.find_last_of(".[");
    place = place.substr(0, end == absl::string_view::npos ? 0 : end);
    found = lines_.find(std::string(place));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ":", found == lines_.end() ? 1 : found->second, ": ",
                   field, ": ", problem));
}

}  // namespace lamplighter
