// A Kafka broker for tools/dev/corpus.py: prints where it is and ends with its
// standard input.

#include <iostream>
#include <string>

#include "common/kafka/embedded_broker.h"
#include "common/kafka/topics.h"

int main() {
  constexpr int kPartitions = 12;
  const auto broker =
      lamplighter::EmbeddedBroker::Create({.partitions = kPartitions});
  if (!broker.ok()) {
    std::cerr << broker.status() << "\n";
    return 1;
  }
  const absl::Status made = (*broker)->CreateTopics(
      lamplighter::LamplighterTopics(kPartitions, /*replication=*/1));
  if (!made.ok()) {
    std::cerr << made << "\n";
    return 1;
  }
  std::cout << (*broker)->bootstrap_servers() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) continue;
  return 0;
}
