"""What is sent, to whom, and the configuration of whom it is sent to."""

import base64
import functools
import hashlib
import hmac
import http.client
import json
import pathlib
import secrets
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
TOKEN = "bench-token"
SECRET = "bench-secret"
PUSH_SIZE = 8192
FLUX_PATH = "/api/events-handler/v1/events/flux/bench"
GITHUB_PATH = "/api/events-handler/v1/events/github/hooks"

# Reads each request and answers 202: the least that a server can do.
NGINX = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/nginx-body;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 202; }}
  }}
}}
"""


def write_config(directory, brokers, partitions, *, ingest, provider=0, ingest_admin,
                 dispatcher_admin=0, provider_admin=0):
    """lamplighter.yaml with these ports; admin ports that are 0 are left out."""
    secret = directory / "secret"
    secret.write_text(SECRET)

    def admin(port):
        return f"admin_listen: 127.0.0.1:{port}" if port else ""
    config = directory / "lamplighter.yaml"
    config.write_text(f"""\
kafka:
  bootstrap_servers: {brokers}
  partitions: {partitions}
  replication_factor: 1
ingest:
  listen: 127.0.0.1:{ingest}
  {admin(ingest_admin)}
  sources:
    - {{name: hooks, type: github, secret_files: [{secret}]}}
    - {{name: bench, type: flux, hmac_secret_file: {secret}}}
dispatcher:
  {admin(dispatcher_admin)}
  manifests: {{directory: {directory}/manifests}}
  providers: {{default: "127.0.0.1:{provider}"}}
provider:
  listen: 127.0.0.1:{provider}
  {admin(provider_admin)}
  manifests: {{directory: {directory}/manifests}}
""")
    return config


def write_manifests(directory, forge_url, repositories):
    """Provider, Alert and Secret of each repository, in a namespace of its own."""
    token = base64.b64encode(TOKEN.encode()).decode()
    for i in range(repositories):
        (directory / f"team-{i}.yaml").write_text(f"""\
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {{name: forge, namespace: team-{i}}}
spec:
  type: github
  address: {forge_url}/acme/team-{i}
  secretRef: {{name: forge-token}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {{name: fleet, namespace: team-{i}}}
spec:
  providerRef: {{name: forge}}
  eventSources:
    - {{kind: Kustomization, name: "*"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: forge-token, namespace: team-{i}}}
data: {{token: {token}}}
""")


def signature(body):
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def request(path, headers, body):
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: lamplighter.example.com", "Accept: */*",
             "Content-Type: application/json", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def write_requests(path, requests):
    """A file for bench/load."""
    with open(path, "wb") as file:
        for data in requests:
            file.write(b"%d\n" % len(data) + data)


def user(login):
    api = f"https://api.github.com/users/{login}"
    urls = ("followers", "following{/other_user}", "gists", "orgs", "starred{/owner}{/repo}",
            "repos", "events", "received_events", "subscriptions")
    return {"login": login, "id": 583231, "node_id": "MDQ6VXNlcjU4Mz",
            "html_url": f"https://github.com/{login}", "type": "User", "site_admin": False,
            **{f"{name.split('{')[0]}_url": f"{api}/{name}" for name in urls}}


def repository(name):
    api = f"https://api.github.com/repos/{name}"
    urls = ("forks", "keys{/key_id}", "collaborators{/collaborator}", "teams", "hooks", "events",
            "branches{/branch}", "tags", "git/refs{/sha}", "git/trees{/sha}", "statuses/{sha}",
            "languages", "stargazers", "contributors", "subscribers", "commits{/sha}",
            "comments{/number}", "contents/{+path}", "compare/{base}...{head}", "merges",
            "downloads", "issues{/number}", "pulls{/number}", "labels{/name}", "deployments")
    return {"id": 186853002, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=",
            "name": name.split("/")[1], "full_name": name, "private": False,
            "owner": user("octo-org"), "html_url": f"https://github.com/{name}",
            "description": "A repository to measure with", "fork": False,
            **{f"{url.split('{')[0].replace('/', '_')}_url": f"{api}/{url}" for url in urls},
            "clone_url": f"https://github.com/{name}.git", "size": 4711, "language": "C++",
            "archived": False, "open_issues_count": 2, "default_branch": "main"}


def push(name):
    """The body of a push as GitHub sends it, of PUSH_SIZE bytes."""
    def commit(message):
        sha = secrets.token_hex(20)
        author = {"name": "Ada L", "email": "ada@example.com", "username": "ada"}
        return {"id": sha, "tree_id": sha, "distinct": True, "message": message,
                "timestamp": "2026-03-04T05:06:07+01:00",
                "url": f"https://github.com/{name}/commit/{sha}", "author": author,
                "committer": author, "added": ["src/file.cc"], "removed": [],
                "modified": ["README.md", "src/main.cc"]}
    body = {"ref": "refs/heads/main", "before": secrets.token_hex(20),
            "after": secrets.token_hex(20), "repository": repository(name),
            "pusher": {"name": "ada"}, "sender": user("ada"), "created": False,
            "deleted": False, "forced": False, "base_ref": None,
            "compare": f"https://github.com/{name}/compare/1...2", "commits": []}
    commits = body["commits"]
    dump = functools.partial(json.dumps, separators=(",", ":"))
    while len(dump(body)) < PUSH_SIZE - 600:
        commits.append(commit("A change\n\nAnd why it was made."))
    commits[-1]["message"] += "." * (PUSH_SIZE - len(dump(body)))
    return dump(body).encode()


def write_pushes(path):
    """1,000 signed pushes to 100 repositories."""
    def signed(i):
        body = push(f"octo-org/repo-{i % 100}")
        return request(GITHUB_PATH, {
            "User-Agent": "GitHub-Hookshot/7a1b2c3", "X-GitHub-Event": "push",
            "X-GitHub-Delivery": uuid.uuid4(), "X-GitHub-Hook-ID": 292430182,
            "X-GitHub-Hook-Installation-Target-ID": 79929171,
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-Hub-Signature-256": signature(body)}, body)
    write_requests(path, (signed(i) for i in range(1000)))


def event(namespace, sha):
    """A success of kustomize-controller."""
    group = "kustomize.toolkit.fluxcd.io"
    return json.dumps({
        "involvedObject": {
            "kind": "Kustomization", "namespace": namespace, "name": "apps",
            "uid": "8d0f4ab2-64a1-4a5e-9d5c-3f6b1f0c7a21", "apiVersion": f"{group}/v1",
            "resourceVersion": "4711"},
        "severity": "info", "timestamp": "2026-03-04T05:06:07Z",
        "message": "Reconciliation finished in 412.7ms, next run in 10m0s",
        "reason": "ReconciliationSucceeded",
        "metadata": {f"{group}/revision": f"main@sha1:{sha}",
                     f"{group}/commit_status": "update"},
        "reportingController": "kustomize-controller",
        "reportingInstance": "kustomize-controller-5d9c7c9b8-x2x7q"},
        separators=(",", ":")).encode()


def write_events(path, count, repositories):
    """Signed Flux events, each for a commit of its own."""
    def signed(i):
        body = event(f"team-{i % repositories}", secrets.token_hex(20))
        return request(FLUX_PATH, {"X-Signature": signature(body)}, body)
    write_requests(path, (signed(i) for i in range(count)))


def posts(port, count, repositories):
    """Commit and a function that posts an event for it, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def post(body):
        connection.request("POST", FLUX_PATH, body, {
            "Content-Type": "application/json", "X-Signature": signature(body)})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise AssertionError(f"ingest answered {answer.status}")
    for i in range(count):
        sha = secrets.token_hex(20)
        yield sha, functools.partial(post, event(f"team-{i % repositories}", sha))
