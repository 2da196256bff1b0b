#include "tests/vectors/address_subjects.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json/array.hpp"
#include "common/forge/forge_location.h"
#include "common/forge/git_address.h"

namespace lamplighter::vectors {

namespace json = ::boost::json;

absl::StatusOr<Comparison> GitAddressSubject(const Vector& vector) {
  const auto address = ParseGitAddress(Text(vector.in));
  if (!address.ok()) {
    return Comparison{vector.flux, Refused(address.status())};
  }
  return Comparison{
      vector.flux,
      Answer{.value = json::array{
                 absl::StrCat(address->scheme, "://", address->host),
                 address->path}}};
}

absl::StatusOr<Comparison> AzureDevOpsAddressSubject(const Vector& vector) {
  const auto location = LocateRepository("azuredevops", Text(vector.in));
  if (!location.ok()) {
    return Comparison{vector.flux, Refused(location.status())};
  }
  const std::pair<std::string, std::string> names =
      absl::StrSplit(location->repository, absl::MaxSplits('/', 1));
  return Comparison{vector.flux,
                    Answer{.value = json::array{names.first, names.second}}};
}

}  // namespace lamplighter::vectors
