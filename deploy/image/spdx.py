"""What is in the image, as an SPDX 2.3 document."""

import re
import urllib.parse


def document(image, created, packages, programs, compiled_in):
    """The document of `image`, which has name, version and digest.

    `packages` are debian.Package; `programs` are {name: sha256}; `compiled_in` is
    what lies within the programs: entries as `entry` makes them.
    """
    root = entry(image["name"], image["version"], "CONTAINER", "Apache-2.0",
                 purl=f"pkg:oci/{image['name']}@{urllib.parse.quote(image['digest'], safe='')}")
    parts = [debian_entry(package) for package in packages]
    built = [entry(f"{name}-program", image["version"], "APPLICATION", "Apache-2.0", sha256)
             for name, sha256 in sorted(programs.items())]
    links = [("SPDXRef-DOCUMENT", "DESCRIBES", root["SPDXID"])]
    links += [(root["SPDXID"], "CONTAINS", part["SPDXID"]) for part in parts + built]
    links += [(program["SPDXID"], "STATIC_LINK", part["SPDXID"])
              for program in built for part in compiled_in]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{image['name']}-{image['version']}",
        "documentNamespace":
            f"https://lamplighter.dev/spdx/{image['name']}/{image['digest'].split(':')[1]}",
        "creationInfo": {"created": created, "creators": ["Tool: lamplighter-image"]},
        "packages": [root, *parts, *built, *compiled_in],
        "relationships": [
            {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}
            for element, kind, related in links],
    }


def entry(name, version, purpose, licence, sha256=None, purl=None, source=None):
    """One package of the document."""
    made = {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name.replace("+", "-plus")),
        "name": name,
        "versionInfo": version,
        "primaryPackagePurpose": purpose,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
    }
    if sha256:
        made["checksums"] = [{"algorithm": "SHA256", "checksumValue": sha256}]
    if purl:
        made["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER",
                                 "referenceType": "purl", "referenceLocator": purl}]
    if source:
        made["sourceInfo"] = source
    return made


def debian_entry(package):
    """A Debian package; its licences stand in the image, in its copyright file."""
    fields = package.fields
    name, version = fields["Package"], fields["Version"]
    made = entry(name, version, "LIBRARY", "NOASSERTION", package.sha256,
                 debian_purl(name, version, fields["Architecture"]),
                 f"built from source package {fields.get('Source', name)}")
    return {**made, "supplier": "Organization: Debian",
            "licenseComments": f"/usr/share/doc/{name}/copyright in the image"}


def debian_purl(name, version, architecture):
    return (f"pkg:deb/debian/{urllib.parse.quote(name, safe='')}"
            f"@{urllib.parse.quote(version, safe='')}?arch={architecture}&distro=debian-12")
