"""librdkafka from the cache that `./dev` fills (tools/dev/librdkafka.sh)."""

_VERSION = "2.12.0"

def _librdkafka_impl(repository_ctx):
    cache = repository_ctx.os.environ.get("LAMPLIGHTER_CACHE")
    if not cache:
        cache = repository_ctx.os.environ["HOME"] + "/.cache/lamplighter"
    built = repository_ctx.path(cache + "/librdkafka-" + _VERSION)
    if not built.exists:
        fail("%s is missing: run `./dev setup` once, which builds it" % built)
    repository_ctx.symlink(built.get_child("include"), "include")
    repository_ctx.symlink(built.get_child("lib"), "lib")
    repository_ctx.file("BUILD.bazel", """
cc_library(
    name = "librdkafka",
    srcs = ["lib/librdkafka.a"],
    hdrs = glob(["include/librdkafka/*.h"]),
    includes = ["include"],
    linkopts = ["-lssl", "-lcrypto", "-lzstd", "-lz", "-lm", "-ldl", "-pthread"],
    visibility = ["@lamplighter//third_party:__pkg__"],
)
""")

librdkafka_repository = repository_rule(
    implementation = _librdkafka_impl,
    environ = ["LAMPLIGHTER_CACHE", "HOME"],
    local = True,
)
