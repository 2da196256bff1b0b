#include "services/ingest/spool/spool_record.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "common/log/log.h"

namespace lamplighter::ingest {
namespace {

// Topic, key, the number of headers, their names and values, value: each text
// behind its length, numbers as four bytes, the lowest first.
constexpr size_t kNumberBytes = 4;

void AddNumber(std::string& bytes, size_t number) {
  LAMPLIGHTER_CHECK(number <= std::numeric_limits<uint32_t>::max(),
                    "larger than any record of Kafka");
  for (size_t i = 0; i < kNumberBytes; ++i) {
    bytes.push_back(static_cast<char>((number >> (8 * i)) & 0xff));
  }
}

void AddText(std::string& bytes, absl::string_view text) {
  AddNumber(bytes, text.size());
  bytes.append(text.data(), text.size());
}

bool TakeNumber(absl::string_view& bytes, size_t& number) {
  if (bytes.size() < kNumberBytes) return false;
  number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    number |= size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(kNumberBytes);
  return true;
}

bool TakeText(absl::string_view& bytes, std::string& text) {
  size_t size = 0;
  if (!TakeNumber(bytes, size) || size > bytes.size()) return false;
  text = std::string(bytes.substr(0, size));
  bytes.remove_prefix(size);
  return true;
}

bool Take(absl::string_view& bytes, Record& record) {
  size_t headers = 0;
  if (!TakeText(bytes, record.topic) || !TakeText(bytes, record.key) ||
      !TakeNumber(bytes, headers)) {
    return false;
  }
  for (; headers > 0; --headers) {
    RecordHeader header;
    if (!TakeText(bytes, header.name) || !TakeText(bytes, header.value)) {
      return false;
    }
    record.headers.push_back(std::move(header));
  }
  return TakeText(bytes, record.value) && bytes.empty();
}

size_t EncodedSize(const Record& record) {
  size_t size = record.topic.size() + record.key.size() + record.value.size() +
                kNumberBytes * (4 + 2 * record.headers.size());
  for (const RecordHeader& header : record.headers) {
    size += header.name.size() + header.value.size();
  }
  return size;
}

}  // namespace

std::string EncodeRecord(const Record& record) {
  std::string bytes;
  bytes.reserve(EncodedSize(record));
  AddText(bytes, record.topic);
  AddText(bytes, record.key);
  AddNumber(bytes, record.headers.size());
  for (const RecordHeader& header : record.headers) {
    AddText(bytes, header.name);
    AddText(bytes, header.value);
  }
  AddText(bytes, record.value);
  return bytes;
}

absl::StatusOr<Record> DecodeRecord(absl::string_view bytes) {
  Record record;
  if (Take(bytes, record)) return record;
  return absl::DataLossError("spool: a record that cannot be read");
}

}  // namespace lamplighter::ingest
