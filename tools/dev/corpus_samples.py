"""Recorded deliveries, and how each forge proves that one is its own."""

import base64
import contextlib
import hashlib
import hmac
import time
import urllib.parse

# Folder of a forge -> type of source.
TYPES = {"azure-devops": "azure-devops", "bitbucket": "bitbucket",
         "bitbucket-cloud": "bitbucket", "bitbucket-dc": "bitbucketserver",
         "bitbucketserver": "bitbucketserver", "flux": "flux",
         "forgejo": "forgejo", "gitea": "gitea", "github": "github",
         "gitlab": "gitlab"}

# What a delivery does not say anew for itself, and what its signature replaces.
DROPPED = {"host", "content-length", "accept-encoding", "connection", "authorization",
           "traceparent", "x-hub-signature-256", "x-hub-signature", "x-signature",
           "x-gitea-signature", "x-forgejo-signature", "x-gogs-signature",
           "x-gitlab-token", "webhook-id", "webhook-timestamp", "webhook-signature"}


class Sample:
    """One delivery of the corpus."""

    def __init__(self, path):
        self.path = path
        self.forge, self.folder = path.parts[-3], path.parts[-2]
        self.body = path.read_bytes()
        lines = []
        with contextlib.suppress(FileNotFoundError):
            lines = path.with_suffix(".headers").read_text().splitlines()
        pairs = (line.split(":", 1) for line in lines if ":" in line.split(" ")[0])
        self.headers = [(name, value.strip()) for name, value in pairs
                        if name.lower() not in DROPPED]
        self.type = TYPES.get(self.forge)
        if self.type == "gitea" and self.has("X-Forgejo-Event"):
            self.type = "forgejo"

    def has(self, name):
        return any(key.lower() == name.lower() for key, _ in self.headers)

    def source(self):
        if self.type == "flux":
            return "default" if self.folder == "direct" else "hmac"
        return self.type

    def signed_bytes(self):
        """Gitea signs the JSON in a form, others the body."""
        if self.type in ("gitea", "forgejo") and self.path.suffix == ".form":
            return urllib.parse.parse_qs(self.body.decode())["payload"][0].encode()
        return self.body


def mac(secret, data):
    return hmac.new(secret.encode(), data, hashlib.sha256)


def standard_webhook(token, identity, timestamp, body):
    """The webhook-signature of a signing token."""
    key = base64.b64decode(token.removeprefix("whsec_"))
    signed = f"{identity}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def proof(sample, secret):
    """The header lines by which a sample proves that it has `secret`."""
    digest = mac(secret, sample.signed_bytes()).hexdigest()
    match sample.type:
        case "github":
            return [("X-Hub-Signature-256", f"sha256={digest}")]
        case "bitbucket" | "bitbucketserver":
            return [("X-Hub-Signature", f"sha256={digest}")]
        case "gitea":
            return [("X-Gitea-Signature", digest)]
        case "forgejo":
            return [("X-Forgejo-Signature", digest), ("X-Gitea-Signature", digest)]
        case "azure-devops":
            return [("Authorization",
                     "Basic " + base64.b64encode(secret.encode()).decode())]
        case "gitlab" if secret.startswith("whsec_"):
            now, identity = str(int(time.time())), sample.path.stem
            return [("webhook-id", identity), ("webhook-timestamp", now),
                    ("webhook-signature",
                     standard_webhook(secret, identity, now, sample.body))]
        case "gitlab":
            return [("X-Gitlab-Token", secret)]
        case "flux" if sample.source() == "hmac":
            return [("X-Signature", f"sha256={digest}")]
    return []


def flipped(value):
    """`value` with one bit of the signature in it changed."""
    if value.startswith("v1,"):
        raw = bytearray(base64.b64decode(value[3:]))
        raw[-1] ^= 1
        return "v1," + base64.b64encode(raw).decode()
    return value[:-1] + format(int(value[-1], 16) ^ 1, "x")
