"""Checks requests against an OpenAPI 3.0 document: path, parameters and body."""

import json
import re
import urllib.parse

import jsonschema
import yaml


class Contract:
    """One forge's API."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        # The most literal first: /user/repos before /{workspace}/{slug}.
        self.paths = sorted(
            ((re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)) + "$"), item)
             for template, item in self.document["paths"].items()),
            key=lambda entry: entry[0].pattern.count("[^/]+"))

    def problems(self, method, path, query, body):
        """What is wrong with a request; None if the document has no such path.

        `path` is below the API's base and as sent, percent-encoded.
        """
        for pattern, item in self.paths:
            if not pattern.match(path):
                continue
            operation = item.get(method.lower())
            if operation is None:
                return [f"{method} is not allowed"]
            parameters = [self._resolve(p) for p in
                          item.get("parameters", []) + operation.get("parameters", [])]
            return (self._query_problems(parameters, query) +
                    self._body_problems(operation, body))
        return None

    def _resolve(self, node):
        while "$ref" in node:
            target = self.document
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _query_problems(self, parameters, query):
        known = {p["name"]: p for p in parameters if p["in"] == "query"}
        sent = urllib.parse.parse_qs(query, keep_blank_values=True)
        # Azure DevOps takes its version from the header Accept, too.
        found = [f"query {name} is missing" for name, p in known.items()
                 if p.get("required") and name not in sent and name != "api-version"]
        for name, values in sent.items():
            parameter = known.get(name) or known.get(name.removesuffix("[]"))
            if parameter is None:
                found.append(f"query {name} is not known")
                continue
            schema = self._resolve(parameter.get("schema", {}))
            for value in values:
                found += self._value_problems(f"query {name}", schema, value)
        return found

    def _value_problems(self, where, schema, text):
        kind = schema.get("type")
        if kind == "integer" and not re.fullmatch(r"-?\d+", text):
            return [f"{where}: {text} is no integer"]
        if kind == "boolean" and text not in ("true", "false"):
            return [f"{where}: {text} is no boolean"]
        if "enum" in schema and text not in [str(v) for v in schema["enum"]]:
            return [f"{where}: {text} is none of {schema['enum']}"]
        return []

    def _body_problems(self, operation, body):
        wanted = operation.get("requestBody")
        if wanted is None:
            return ["has a body"] if body else []
        wanted = self._resolve(wanted)
        if not body:
            return ["has no body"] if wanted.get("required") else []
        schema = next((content.get("schema", {}) for kind, content in wanted["content"].items()
                       if "json" in kind or kind == "*/*"), None)
        if schema is None:
            return ["is not JSON in the contract"]
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"body is no JSON: {error}"]
        validator = jsonschema.Draft7Validator(
            self._as_json_schema({**schema, "components": self.document.get("components", {})}))
        return [f"body {'/'.join(map(str, e.path)) or '(whole)'}: {e.message}"
                for e in validator.iter_errors(value)]

    def _as_json_schema(self, node):
        """OpenAPI's `nullable` is JSON Schema's null."""
        if isinstance(node, list):
            return [self._as_json_schema(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        node = {key: self._as_json_schema(value) for key, value in node.items()}
        if node.get("nullable") is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        return node
