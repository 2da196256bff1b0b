// Reads what Lamplighter knows off Kafka, a line a record: the same as
// ../subscriber.py, which says why it does what it does.
//
//   subscriber --brokers HOST:PORT,... [--group NAME] [--type git.push.v1]...
//              [--repository github.com/acme/fleet]... [-X NAME=VALUE]...

#include <csignal>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include <librdkafka/rdkafkacpp.h>

namespace {

using lamplighter::v1::GitEvent;
using lamplighter::v1::StatusOutcome;

const std::string kGitEvents = "lamplighter.git-events.v1";
const std::string kOutcomes = "lamplighter.status-outcomes.v1";
const std::string kPrefix = "dev.lamplighter.";  // of every ce_type
constexpr size_t kRemembered = 100'000;

volatile std::sig_atomic_t stopping = 0;

struct Options {
  std::set<std::string> types;         // none: all
  std::set<std::string> repositories;  // none: all
  // librdkafka's settings; -X adds any other, e.g. sasl.mechanisms.
  std::map<std::string, std::string> settings = {
      {"group.id", "example-subscriber"},
      {"auto.offset.reset", "earliest"},
      // Offsets are committed every five seconds, but only those that we have
      // stored, after the work.
      {"enable.auto.offset.store", "false"},
      {"partition.assignment.strategy", "cooperative-sticky"},
  };
};

// False for what cannot be understood.
bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    const size_t equals = value.find('=');
    if (name == "--brokers") {
      options.settings["bootstrap.servers"] = value;
    } else if (name == "--group") {
      options.settings["group.id"] = value;
    } else if (name == "--type") {
      options.types.insert(value);
    } else if (name == "--repository") {
      options.repositories.insert(value);
    } else if (name == "-X" && equals != std::string::npos) {
      options.settings[value.substr(0, equals)] = value.substr(equals + 1);
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && options.settings.count("bootstrap.servers") > 0;
}

// The ids that came last, so many that a repetition is hardly further back.
class Seen {
 public:
  bool Contains(const std::string& id) const { return ids_.count(id) > 0; }

  void Add(const std::string& id) {
    if (!ids_.insert(id).second) return;
    order_.push_back(id);
    if (order_.size() <= kRemembered) return;
    ids_.erase(order_.front());
    order_.pop_front();
  }

 private:
  std::set<std::string> ids_;
  std::deque<std::string> order_;
};

// The value of a header, or nothing.
std::string Header(RdKafka::Message& record, const std::string& name) {
  const RdKafka::Headers* const headers = record.headers();
  if (headers == nullptr) return "";
  const RdKafka::Headers::Header header = headers->get_last(name);
  if (header.err() != RdKafka::ERR_NO_ERROR || header.value() == nullptr) {
    return "";
  }
  return {static_cast<const char*>(header.value()), header.value_size()};
}

// ce_type as --type has it.
std::string Type(RdKafka::Message& record) {
  const std::string type = Header(record, "ce_type");
  return type.rfind(kPrefix, 0) == 0 ? type.substr(kPrefix.size()) : type;
}

// Whether to work on a record, by its headers alone.
bool Wanted(RdKafka::Message& record, const Options& options) {
  return (options.types.empty() || options.types.count(Type(record)) > 0) &&
         (options.repositories.empty() ||
          options.repositories.count(Header(record, "ce_subject")) > 0);
}

std::string Describe(const GitEvent& event) {
  std::string words;
  for (const auto& ref : event.push().refs()) {
    words += " " + ref.ref() + " " +
             (ref.after().empty() ? "deleted" : ref.after().substr(0, 10));
  }
  return words;
}

std::string Describe(const StatusOutcome& outcome) {
  return " " + StatusOutcome::Result_Name(outcome.result()) + " " +
         lamplighter::v1::CommitState_Name(outcome.intent().state()) + " " +
         outcome.intent().sha().substr(0, 10) + " " +
         outcome.intent().context();
}

template <typename Message>
bool Print(RdKafka::Message& record) {
  Message message;
  if (!message.ParseFromArray(record.payload(),
                              static_cast<int>(record.len()))) {
    return false;
  }
  std::cout << Type(record) << " " << Header(record, "ce_subject") << " "
            << Header(record, "ce_id") << Describe(message) << std::endl;
  return true;
}

// What you are here for. False for a value that is no message.
bool Work(RdKafka::Message& record) {
  return record.topic_name() == kGitEvents ? Print<GitEvent>(record)
                                           : Print<StatusOutcome>(record);
}

std::unique_ptr<RdKafka::KafkaConsumer> Subscribe(const Options& options,
                                                  std::string& error) {
  const std::unique_ptr<RdKafka::Conf> conf(
      RdKafka::Conf::create(RdKafka::Conf::CONF_GLOBAL));
  for (const auto& [name, value] : options.settings) {
    if (conf->set(name, value, error) != RdKafka::Conf::CONF_OK) return nullptr;
  }
  std::unique_ptr<RdKafka::KafkaConsumer> consumer(
      RdKafka::KafkaConsumer::create(conf.get(), error));
  if (consumer == nullptr) return nullptr;
  const RdKafka::ErrorCode code = consumer->subscribe({kGitEvents, kOutcomes});
  if (code == RdKafka::ERR_NO_ERROR) return consumer;
  error = RdKafka::err2str(code);
  return nullptr;
}

void Handle(RdKafka::Message& record, const Options& options, Seen& seen) {
  const std::string id = record.topic_name() + " " + Header(record, "ce_id");
  if (!Wanted(record, options) || seen.Contains(id)) return;
  if (!Work(record)) {  // it will be no better the next time
    std::cerr << record.topic_name() << " " << record.partition() << " "
              << record.offset() << ": no message of this topic\n";
  }
  seen.Add(id);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, options)) {
    std::cerr << "usage: subscriber --brokers HOST:PORT,... [--group NAME] "
                 "[--type TYPE]... [--repository ID]... [-X NAME=VALUE]...\n";
    return 2;
  }
  for (const int number : {SIGTERM, SIGINT}) {
    std::signal(number, [](int) { stopping = 1; });
  }
  std::string error;
  const auto consumer = Subscribe(options, error);
  if (consumer == nullptr) {
    std::cerr << "kafka: " << error << "\n";
    return 1;
  }
  Seen seen;
  while (stopping == 0) {
    const std::unique_ptr<RdKafka::Message> record(consumer->consume(500));
    if (record->err() == RdKafka::ERR__TIMED_OUT) continue;
    if (record->err() != RdKafka::ERR_NO_ERROR) {
      // E.g. a topic that is not there yet: it is tried again.
      std::cerr << "kafka: " << record->errstr() << "\n";
      if (record->err() == RdKafka::ERR__FATAL) break;
      continue;
    }
    Handle(*record, options, seen);
    const std::unique_ptr<RdKafka::TopicPartition> done(
        RdKafka::TopicPartition::create(
            record->topic_name(), record->partition(), record->offset() + 1));
    std::vector<RdKafka::TopicPartition*> offsets = {done.get()};
    // Fails where the partition is another member's by now, who does it again.
    consumer->offsets_store(offsets);
  }
  consumer->close();  // commits what was stored
  return stopping != 0 ? 0 : 1;
}
