#include "tests/vectors/subjects.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "tests/vectors/address_subjects.h"
#include "tests/vectors/duplicate_subject.h"
#include "tests/vectors/routing_subjects.h"
#include "tests/vectors/status_subjects.h"

namespace lamplighter::vectors {
namespace {

// Whoever wrote the vectors down lost all inputs of this.
absl::StatusOr<Comparison> GatingSubject(const Vector& vector) {
  if (vector.in.is_object() && vector.in.get_object().empty()) {
    return absl::NotFoundError("without an input");
  }
  return absl::UnimplementedError("no input of it was ever seen");
}

struct Subject {
  const char* fn;  // a regular expression, for the whole of it
  absl::StatusOr<Comparison> (*compare)(const Vector& vector);
};

constexpr Subject kSubjects[] = {
    {"parseRevision", &ParseRevisionSubject},
    {"TransformRevision", &TransformRevisionSubject},
    {"GetRevision", &GetRevisionSubject},
    {"generateDefaultCommitStatus", &DefaultCommitStatusSubject},
    {"commitStatusExpr", &CommitStatusExprSubject},
    {"metadata", &MetadataSubject},
    {"alertMatch", &AlertMatchSubject},
    {"gating", &GatingSubject},
    {"parseGitAddress", &GitAddressSubject},
    {"azure .* parsed as", &AzureDevOpsAddressSubject},
    {"parseBitbucketServerGitAddress", &BitbucketServerAddressSubject},
    {"wire .*", &WireSubject},
    {"\\w+ state( reason=.*)?", &StateSubject},
    {"formatNameAndDescription", &NameAndDescriptionSubject},
    {"sha1String", &Sha1Subject},
    {"ctor", &ConstructorSubject},
    {"duplicate\\w+Status.*", &DuplicateSubject},
};

}  // namespace

absl::StatusOr<Comparison> Compare(const Vector& vector) {
  for (const Subject& subject : kSubjects) {
    if (RE2::FullMatch(vector.fn, subject.fn)) return subject.compare(vector);
  }
  return absl::UnimplementedError("no such function is known");
}

}  // namespace lamplighter::vectors
