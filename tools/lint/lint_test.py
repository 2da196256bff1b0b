"""What the checks let through and what they do not."""

import unittest

import check_deps
import check_links
import check_protos
import check_sources
from check_deps import Target


class Sources(unittest.TestCase):

    def problems(self, text, path="common/x/x.cc"):
        return check_sources.problems(path, text)

    def test_refuses_the_wall_clock_outside_the_clock(self):
        line = "auto t = std::chrono::steady_clock::now();\n"
        self.assertEqual(self.problems("\n" + line),
                         ["common/x/x.cc:2: ask a Clock for the time"])
        self.assertEqual(self.problems(line, "common/time/clock.cc"), [])

    def test_refuses_throw_but_not_the_word_in_comments_and_strings(self):
        self.assertEqual(len(self.problems("if (bad) throw 1;\n")), 1)
        self.assertEqual(self.problems("// may throw\n/* throw\n throw */\n"
                                       'Log("throw \\" throw");\n'), [])

    def test_counts_lines_beyond_a_raw_string(self):
        text = 'auto s = R"(a\n"throw\nb)";\nthrow 1;\n'
        self.assertEqual([p.split(": ")[0] for p in self.problems(text)],
                         ["common/x/x.cc:4"])

    def test_keeps_librdkafka_and_libcurl_in_their_folders(self):
        self.assertEqual(len(self.problems('#include "librdkafka/rdkafka.h"\n')), 1)
        self.assertEqual(len(self.problems("#include <curl/curl.h>\n")), 1)
        self.assertEqual(self.problems('#include "librdkafka/rdkafka.h"\n',
                                       "common/kafka/a.cc"), [])

    def test_refuses_files_beyond_the_limit(self):
        self.assertEqual(self.problems("\n" * 400), [])
        self.assertEqual(len(self.problems("\n" * 401)), 1)


class Dependencies(unittest.TestCase):

    def cover(self, targets, includes):
        return check_deps.cover_problems(targets, lambda file: includes.get(file))

    def target(self, label, files=(), headers=(), deps=(), testonly=False):
        return Target(label, list(files) + list(headers), list(headers), list(deps),
                      testonly)

    def test_an_include_needs_a_direct_dep(self):
        a = self.target("//a:a", headers=["//a:a.h"])
        b = self.target("//b:b", headers=["//b:b.h"], deps=["//a:a"])
        c = self.target("//c:c", ["//c:c.cc"], deps=["//b:b"])
        includes = {"//a:a.h": [], "//b:b.h": ["a/a.h"],
                    "//c:c.cc": ["b/b.h", "a/a.h"]}
        self.assertEqual(self.cover([a, b, c], includes),
                         ["//c:c: c/c.cc includes a/a.h: add //a:a to deps"])

    def test_a_dep_needs_an_include(self):
        a = self.target("//a:a", headers=["//a:a.h"])
        c = self.target("//c:c", ["//c:c.cc"], deps=["//a:a"])
        self.assertEqual(self.cover([a, c], {"//a:a.h": [], "//c:c.cc": []}),
                         ["//c:c: nothing of //a:a is included: drop it from deps"])

    def test_generated_sources_may_have_any_deps(self):
        a = self.target("//a:a", headers=["//a:a.h"])
        p = self.target("//p:p", ["//p:p.pb.cc"], deps=["//a:a"])
        self.assertEqual(self.cover([a, p], {"//a:a.h": []}), [])

    def test_reads_what_bazel_prints(self):
        targets = check_deps.parse("""<query version="2">
          <rule class="cc_library" name="//a:a">
            <list name="hdrs"><label value="//a:a.h"/></list>
            <list name="deps"><label value="//b:b"/></list>
            <boolean name="testonly" value="true"/>
          </rule><rule class="genrule" name="//a:g"/></query>""")
        self.assertEqual(targets, [self.target("//a:a", headers=["//a:a.h"],
                                               deps=["//b:b"], testonly=True)])

    def allowed(self, label, dep, testonly=False):
        return check_deps.direction_problem(
            self.target(label, testonly=testonly), dep) is None

    def test_services_do_not_know_each_other(self):
        self.assertFalse(self.allowed("//services/a/x:x", "//services/b:b"))
        self.assertTrue(self.allowed("//services/a/x:x", "//services/a:b"))
        self.assertTrue(self.allowed("//lamplighter:lamplighter", "//services/b:b"))

    def test_common_goes_down_its_layers(self):
        self.assertTrue(self.allowed("//common/app:app", "//common/http:http_server"))
        self.assertTrue(self.allowed("//common/async:a", "//common/metrics:metrics"))
        self.assertFalse(self.allowed("//common/status:s", "//common/async:a"))
        self.assertFalse(self.allowed("//common/status:s", "//services/a:a"))
        self.assertFalse(self.allowed("//common/unheard_of:s", "//common/status:s"))

    def test_only_tests_know_tests(self):
        self.assertFalse(self.allowed("//services/a:a", "//tests/forges:forge"))
        self.assertTrue(self.allowed("//services/a:a_test", "//tests/forges:forge", True))

    def test_libraries_stay_behind_their_folder(self):
        self.assertFalse(self.allowed("//services/a:a", "//third_party:rdkafka"))
        self.assertTrue(self.allowed("//common/kafka:a", "//third_party:rdkafka"))


class Protos(unittest.TestCase):

    FILE = r"""
      name: "a.proto"
      package: "lamplighter.v1"
      message_type {
        name: "A"
        field { name: "b" number: 1 label: LABEL_REPEATED type: TYPE_STRING }
        field { name: "m" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE
                type_name: ".lamplighter.v1.A.MEntry" }
        nested_type {
          name: "MEntry"
          field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
          field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 }
          options { map_entry: true }
        }
      }
      enum_type { name: "E" value { name: "ZERO" number: 0 } value { name: "ONE" number: 1 } }
      service { name: "S" method { name: "Get" input_type: ".lamplighter.v1.A"
                output_type: ".lamplighter.v1.A" server_streaming: true } }
      source_code_info {
        location { path: 4 path: 0 span: 1 leading_comments: " An {A: \"x\"}.\n" }
        location { path: 4 path: 0 path: 2 path: 1 span: 1 leading_comments: "m" }
        location { path: 5 path: 0 span: 1 leading_comments: "e" }
        location { path: 6 path: 0 span: 1 trailing_comments: "s" }
        location { path: 6 path: 0 path: 2 path: 0 span: 1 leading_comments: "get" }
      }"""

    def test_everything_but_an_enums_zero_needs_a_comment(self):
        self.assertEqual(check_protos.comment_problems(check_protos.parse_text(self.FILE)),
                         ["a.proto: field lamplighter.v1.A.b has no comment",
                          "a.proto: value lamplighter.v1.E.ONE has no comment"])

    def test_promises_names_numbers_and_types(self):
        self.assertEqual(list(check_protos.promises(check_protos.parse_text(self.FILE))), [
            "lamplighter.v1.A.b = 1 repeated string",
            "lamplighter.v1.A.m = 2 map<string, int32>",
            "lamplighter.v1.E.ZERO = 0",
            "lamplighter.v1.E.ONE = 1",
            "lamplighter.v1.S.Get(lamplighter.v1.A) stream lamplighter.v1.A",
        ])

    def test_tells_what_broke_from_what_is_new(self):
        broken, new = check_protos.compatibility_problems(
            {"A.a = 1 string", "A.b = 2 string"}, {"A.a = 1 string", "A.b = 3 string"})
        self.assertEqual(len(broken), 1)
        self.assertIn("A.b = 2 string", broken[0])
        self.assertEqual(len(new), 1)
        self.assertIn("A.b = 3 string", new[0])


class Links(unittest.TestCase):

    def test_finds_links_that_lead_nowhere(self):
        text = ("# Top of it\n[a](none.md) [b](#top-of-it) [c](#nowhere)\n"
                "[d](https://example.test/x)\n```\n[e](none.md)\n```\n")
        # The links of the file itself are looked up in the one on disk.
        self.assertEqual(check_links.problems("none/README.md", text)[0],
                         "none/README.md: none.md: there is no such file")
        self.assertNotIn("example.test", "".join(check_links.problems("x.md", text)))

    def test_names_anchors_as_forges_do(self):
        self.assertEqual(check_links.anchor("A new forge: `x_y`, and so-on"),
                         "a-new-forge-x_y-and-so-on")


if __name__ == "__main__":
    unittest.main()
