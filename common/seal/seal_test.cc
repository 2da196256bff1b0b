#include "common/seal/seal.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// Of 32 bytes.
std::string KeyOf(char byte) {
  return absl::Base64Escape(std::string(32, byte));
}

class SealTest : public ::testing::Test {
 protected:
  void Write(const std::vector<std::string>& lines) {
    std::ofstream(path_, std::ios::binary) << absl::StrJoin(lines, "\n");
  }

  // With those keys.
  std::unique_ptr<Seal> Make(const std::vector<std::string>& lines) {
    Write(lines);
    auto seal = Seal::Create(path_, clock_);
    EXPECT_THAT(seal, IsOk());
    return seal.ok() ? *std::move(seal) : nullptr;
  }

  absl::Status ErrorOf(const std::vector<std::string>& lines) {
    Write(lines);
    return Seal::Create(path_, clock_).status();
  }

  const std::string path_ = ::testing::TempDir() + "seal-keys";
  FakeClock clock_;
};

TEST_F(SealTest, OpensWhatItSealed) {
  const auto seal = Make({KeyOf('a')});
  for (const std::string& plain :
       {std::string("secret"), std::string(), std::string("\0\xff", 2),
        std::string(100'000, 'x')}) {
    const std::string sealed = seal->Close(plain);
    EXPECT_EQ(sealed.size(), plain.size() + 49);
    EXPECT_EQ(seal->Open(sealed).value_or("error"), plain);
  }
  EXPECT_THAT(seal->Close("secret"), Not(HasSubstr("secret")));
}

TEST_F(SealTest, SealsTheSameDifferentlyEachTime) {
  const auto seal = Make({KeyOf('a')});
  EXPECT_NE(seal->Close("secret"), seal->Close("secret"));
}

TEST_F(SealTest, TakesBlankLinesAndComments) {
  const auto seal = Make(
      {"# of November", "", " " + KeyOf('a') + "\r", "  #", KeyOf('b'), ""});
  EXPECT_TRUE(seal->ClosedWithFirst(Make({KeyOf('a')})->Close("x")));
}

TEST_F(SealTest, AKeyIsReplacedWithoutAGap) {
  const auto seal = Make({KeyOf('a')});
  const std::string before = seal->Close("secret");
  Write({KeyOf('b'), KeyOf('a')});
  EXPECT_TRUE(seal->ClosedWithFirst(before)) << "not read again yet";
  clock_.Advance(absl::Seconds(2));
  EXPECT_FALSE(seal->ClosedWithFirst(before));
  EXPECT_EQ(seal->Open(before).value_or("error"), "secret");
  const std::string after = seal->Close("secret");
  EXPECT_TRUE(seal->ClosedWithFirst(after));

  Write({KeyOf('b')});
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(seal->Open(after).value_or("error"), "secret");
  EXPECT_THAT(seal->Open(before), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(SealTest, KeepsItsKeysWhereTheFileCannotBeUsedAnyMore) {
  const auto seal = Make({KeyOf('a')});
  const std::string sealed = seal->Close("secret");
  for (const char* content : {"", "no key"}) {
    Write({content});
    clock_.Advance(absl::Seconds(2));
    EXPECT_EQ(seal->Open(sealed).value_or("error"), "secret");
  }
}

TEST_F(SealTest, NamesTheKeyThatIsMissing) {
  const std::string sealed = Make({KeyOf('a')})->Close("secret");
  EXPECT_THAT(
      Make({KeyOf('b')})->Open(sealed),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("sealed with a key that is not in " + path_),
                     EndsWith(absl::BytesToHexString(sealed.substr(1, 8))))));
}

TEST_F(SealTest, NoByteCanBeChanged) {
  const auto seal = Make({KeyOf('a'), KeyOf('b')});
  const std::string sealed = seal->Close("secret");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const bool names_key = i >= 1 && i <= 8;
    EXPECT_THAT(seal->Open(changed),
                StatusIs(names_key ? StatusCode::kFailedPrecondition
                                   : StatusCode::kInvalidArgument))
        << i;
  }
  EXPECT_THAT(seal->Open(sealed + "x"), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(SealTest, APartOfItCannotBeOpened) {
  const auto seal = Make({KeyOf('a')});
  const std::string sealed = seal->Close("secret");
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(seal->Open(sealed.substr(0, size)),
                StatusIs(StatusCode::kInvalidArgument))
        << size;
  }
  EXPECT_FALSE(seal->ClosedWithFirst(sealed.substr(0, 9)));
}

TEST_F(SealTest, AnotherKeyByTheSameNameDoesNotOpenIt) {
  const auto seal = Make({KeyOf('a'), KeyOf('b')});
  std::string sealed = seal->Close("secret");
  sealed.replace(1, 8, Make({KeyOf('b')})->Close("x").substr(1, 8));
  EXPECT_THAT(seal->Open(sealed), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(SealTest, SaysWhichLineIsWrongAndNeverWhatItHolds) {
  const std::string short_key = absl::Base64Escape(std::string(31, 'k'));
  const std::string long_key = absl::Base64Escape(std::string(33, 'k'));
  const std::string unpadded = KeyOf('k').substr(0, 43);
  const std::string web_safe =
      absl::WebSafeBase64Escape(std::string(32, '\xff')) + "=";
  for (const std::string& wrong :
       {std::string("passw0rd"), short_key, long_key, unpadded, web_safe,
        KeyOf('k') + " " + KeyOf('l'), KeyOf('k') + "x"}) {
    EXPECT_THAT(
        ErrorOf({"# keys", KeyOf('a'), wrong}),
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr(path_ + ":3: must be 32 bytes"),
                       HasSubstr("openssl rand"), Not(HasSubstr(wrong)))));
  }
  EXPECT_THAT(ErrorOf({KeyOf('a'), KeyOf('a')}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(":2: is there twice"),
                             Not(HasSubstr(KeyOf('a'))))));
}

TEST_F(SealTest, WantsOneKeyAtLeastAndSixteenAtMost) {
  EXPECT_THAT(ErrorOf({"# none", ""}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has no key")));
  std::vector<std::string> keys;
  for (char byte = 'a'; byte < 'a' + 16; ++byte) keys.push_back(KeyOf(byte));
  EXPECT_THAT(ErrorOf(keys), IsOk());
  keys.push_back(KeyOf('z'));
  EXPECT_THAT(ErrorOf(keys), StatusIs(StatusCode::kInvalidArgument,
                                      HasSubstr(absl::StrCat(path_, ":17: "))));
  EXPECT_THAT(Seal::Create("/no/such/keys", clock_),
              StatusIs(StatusCode::kNotFound, HasSubstr("/no/such/keys")));
}

}  // namespace
}  // namespace lamplighter
