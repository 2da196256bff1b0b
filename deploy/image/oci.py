"""An image as one file: an OCI image layout in a tar, which `docker load` before
version 25 can read, too (manifest.json)."""

import hashlib
import json

import layer

LAYOUT = "application/vnd.oci.image"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(kind, data, **more):
    return {"mediaType": f"{LAYOUT}.{kind}", "digest": digest(data), "size": len(data), **more}


def blob(name):
    return "blobs/" + name.replace(":", "/")


def encode(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def archive(layers, config, tag, seconds):
    """The tar, and the digest of the image in it.

    `layers` are tars, the lowest first. `config` is the image's configuration
    without its layers.
    """
    blobs, packed = {}, []
    for data in layers:
        compressed = layer.compress(data)
        packed.append(descriptor("layer.v1.tar+gzip", compressed))
        blobs[blob(digest(compressed))] = compressed
    settings = encode({**config, "rootfs": {
        "type": "layers", "diff_ids": [digest(data) for data in layers]}})
    manifest = encode({
        "schemaVersion": 2, "mediaType": f"{LAYOUT}.manifest.v1+json",
        "config": descriptor("config.v1+json", settings), "layers": packed})
    for data in (settings, manifest):
        blobs[blob(digest(data))] = data
    index = {
        "schemaVersion": 2, "mediaType": f"{LAYOUT}.index.v1+json",
        "manifests": [descriptor(
            "manifest.v1+json", manifest,
            platform={key: config[key] for key in ("architecture", "os")},
            # The first is the tag for tools of OCI, the second containerd's name.
            annotations={"org.opencontainers.image.ref.name": tag.rpartition(":")[2],
                         "io.containerd.image.name": f"docker.io/library/{tag}"})]}
    files = {
        **blobs,
        "oci-layout": encode({"imageLayoutVersion": "1.0.0"}),
        "index.json": encode(index),
        "manifest.json": encode([{
            "Config": blob(digest(settings)), "RepoTags": [tag],
            "Layers": [blob(item["digest"]) for item in packed]}]),
    }
    tar = layer.to_tar(layer.with_parents(
        {path: layer.File(data) for path, data in files.items()}), seconds)
    return tar, digest(manifest)
