"""JSON schemas for kubeconform, of what an API server and CRDs say of themselves."""

import json

import yaml

QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def write(directory, openapi, crds):
    """One file for each kind of `openapi` (version 2) and of the CRDs, files of YAML."""
    definitions = {name: strict(d) for name, d in openapi["definitions"].items()}
    definitions[QUANTITY]["type"] = ["string", "number"]
    for name, definition in openapi["definitions"].items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            schema = {"$ref": f"#/definitions/{name}",
                      "definitions": needed(name, definitions)}
            path_of(directory, **kind).write_text(json.dumps(schema))
    for file in crds:
        crd = yaml.safe_load(file.read_text())["spec"]
        for version in crd["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"], top=True)
            path_of(directory, crd["group"], version["name"],
                    crd["names"]["kind"]).write_text(json.dumps(schema))


def path_of(directory, group, version, kind):
    # As kubeconform has {{.Group}}-{{.ResourceKind}}-{{.ResourceAPIVersion}}; the core
    # group is called as its version.
    return directory / f"{group or version}-{kind.lower()}-{version}.json"


def strict(schema, top=False):
    """The schema without room for properties that it does not name."""
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: strict(each) for name, each in value.items()}
        elif key in ("items", "additionalProperties"):
            made[key] = strict(value)
        elif not key.startswith("x-"):
            made[key] = value
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        made.pop("format", None)
        made.pop("anyOf", None)
        made["type"] = ["string", "integer"]
    if "properties" in schema:
        if top:
            for key in ("apiVersion", "kind", "metadata"):
                made["properties"][key] = {}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made


def needed(name, definitions):
    """The definitions that one refers to, itself and others' included."""
    found, waiting = {}, [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found[each] = definitions[each]
            waiting += references(definitions[each])
    return found


def references(schema):
    """Names of the definitions that a schema refers to."""
    if not isinstance(schema, dict):
        return []
    below = [*schema.get("properties", {}).values(), schema.get("items"),
             schema.get("additionalProperties"), *schema.get("allOf", [])]
    found = [r for each in below for r in references(each)]
    return found + ([schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else [])
