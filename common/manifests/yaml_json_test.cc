#include "common/manifests/yaml_json.h"

#include "gtest/gtest.h"

namespace lamplighter {
namespace {

TEST(YamlToJson, TellsTypesByTheCoreSchema) {
  EXPECT_EQ(YamlToJson(YAML::Load(
                "{a: true, b: 'true', c: 12, d: \"12\", e: 1.5, f: null, g: ~, "
                "h: text, i: 0x10, j: 1h30m, k: !!str 7}")),
            R"({"a":true,"b":"true","c":12,"d":"12","e":1.5,"f":null,"g":null,)"
            R"("h":"text","i":"0x10","j":"1h30m","k":"7"})");
}

TEST(YamlToJson, KeepsStructureAndEscapes) {
  EXPECT_EQ(YamlToJson(YAML::Load("spec:\n  list: [1, {x: \"a\\n\\\"b\"}]\n"
                                  "  empty: {}\n  none: []\n")),
            R"({"spec":{"list":[1,{"x":"a\n\"b"}],"empty":{},"none":[]}})");
}

}  // namespace
}  // namespace lamplighter
