#!/usr/bin/env python3
"""Turns the CRDs of several CloudNativePG versions into one compact C++ table.

usage: crdgen.py VERSION=CRD_FILE_OR_FOLDER... > src/cnpg/crd_table.gen.cc

Only the structural schema is taken (names, types, limits), no description. A field whose facts
differ between versions becomes several rows of one name with disjoint sets of versions. Equal
types are stored once. The same input gives the same bytes. See crdgen.sh for how it is run.
"""
import gzip
import json
import pathlib
import sys

import yaml

KINDS = ["Backup", "Cluster", "ClusterImageCatalog", "Database", "DatabaseRole", "ImageCatalog",
         "ObjectStore", "Pooler", "Publication", "ScheduledBackup", "Subscription"]
QUANTITY = "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)"


def read_crds(path):
    """{kind: schema} of the storage version of each CRD below path."""
    path = pathlib.Path(path)
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    out = {}
    for file in files:
        text = gzip.open(file).read() if file.suffix == ".gz" else file.read_bytes()
        for doc in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if doc and doc.get("kind") == "CustomResourceDefinition":
                version = next(v for v in doc["spec"]["versions"] if v.get("storage", True))
                out[doc["spec"]["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    return out


def type_of(schema):
    if schema.get("x-kubernetes-int-or-string"):
        return "kQuantity" if schema.get("pattern", "").startswith(QUANTITY) else "kIntOrString"
    if schema.get("x-kubernetes-preserve-unknown-fields") and not schema.get("properties"):
        return "kAny"
    t = schema.get("type")
    if t == "object":
        if "properties" in schema:
            return "kObject"
        return "kMap" if isinstance(schema.get("additionalProperties"), dict) else "kAny"
    return {"array": "kList", "string": "kString", "integer": "kInteger", "number": "kNumber",
            "boolean": "kBoolean", None: "kAny"}[t]


def facts_of(schema):
    """What a type says of itself, without what is inside it."""
    kind = type_of(schema)
    rules = [r.get("rule", "") for r in schema.get("x-kubernetes-validations", [])]
    return {
        "type": kind,
        "nullable": bool(schema.get("nullable")),
        "immutable": "self == oldSelf" in rules,
        "deprecated": "deprecated" in schema.get("description", "").lower().split(".")[0],
        "list_map": schema.get("x-kubernetes-list-type") == "map",
        "keys": sorted(schema.get("x-kubernetes-list-map-keys", [])),
        "format": schema.get("format", ""),
        "pattern": "" if kind == "kQuantity" else schema.get("pattern", ""),
        "enum": [str(v) for v in schema.get("enum", [])],
        "min": schema.get("minimum"), "max": schema.get("maximum"),
        "min_length": schema.get("minLength"), "max_length": schema.get("maxLength"),
        "min_items": schema.get("minItems"), "max_items": schema.get("maxItems"),
        "rules": sorted(rules),
    }


class Table:
    def __init__(self):
        self.types, self.type_index = [], {}
        self.fields, self.field_index = [], {}
        self.texts, self.text_index = [], {}

    def texts_range(self, words):
        """(first, count) of these texts in the pool."""
        if not words:
            return 0, 0
        key = tuple(words)
        if key not in self.text_index:
            self.text_index[key] = len(self.texts)
            self.texts += words
        return self.text_index[key], len(words)

    def add(self, variants):
        """variants: [(version bit, schema)] that share their facts -> index of the type."""
        facts = facts_of(variants[0][1])
        element, first, count = 0, 0, 0
        if facts["type"] == "kObject":
            first, count = self.add_fields(variants)
        elif facts["type"] == "kList":
            element = self.add_same([(b, s["items"]) for b, s in variants])
        elif facts["type"] == "kMap":
            element = self.add_same([(b, s["additionalProperties"]) for b, s in variants])
        row = (json.dumps(facts, sort_keys=True), element, first, count)
        if row not in self.type_index:
            self.type_index[row] = len(self.types)
            self.types.append((facts, element, first, count))
        return self.type_index[row]

    def add_same(self, variants):
        """One type for all versions: the newest version's facts, the fields of all."""
        newest = json.dumps(facts_of(variants[-1][1]), sort_keys=True)
        return self.add([v for v in variants if json.dumps(facts_of(v[1]), sort_keys=True) == newest])

    def add_fields(self, variants):
        names = sorted({name for _, s in variants for name in s["properties"]})
        rows = []
        for name in names:
            groups = {}  # facts -> [(bit, schema)], required
            for bit, schema in variants:
                if name not in schema["properties"]:
                    continue
                child = schema["properties"][name]
                # The API server fills in defaults before it asks for what is required.
                required = name in schema.get("required", []) and "default" not in child
                groups.setdefault((json.dumps(facts_of(child), sort_keys=True), required), []).append(
                    (bit, child))
            for (_, required), group in groups.items():
                versions = sum(bit for bit, _ in group)
                rows.append((name, versions, required, self.add(group)))
        key = tuple(rows)
        if key not in self.field_index:
            self.field_index[key] = len(self.fields)
            self.fields += rows
        return self.field_index[key], len(rows)


def quote(text):
    return json.dumps(text, ensure_ascii=True)


def number(value, absent):
    return absent if value is None else str(int(value))


def main():
    versions = [arg.split("=", 1) for arg in sys.argv[1:]]
    crds = [(name, read_crds(path)) for name, path in versions]
    # kinds of other projects (ObjectStore) are the same whatever the operator's version
    table = Table()
    roots = []
    for kind in KINDS:
        variants = [(1 << i, schemas[kind]) for i, (_, schemas) in enumerate(crds)
                    if kind in schemas and i < 6]
        extra = [schemas[kind] for i, (_, schemas) in enumerate(crds) if kind in schemas and i >= 6]
        if extra:
            variants = [(1 << i, extra[0]) for i in range(6)]
        roots.append((kind, sum(b for b, _ in variants), table.add_same(variants)))

    out = []
    out.append("// Generated by tools/crdgen/crdgen.sh from the CRDs of CloudNativePG "
               + ", ".join(n for n, _ in versions[:6]) + ". Do not edit.")
    out.append("")
    out.append('#include "cnpg/crd_table_internal.h"')
    out.append("")
    out.append("// clang-format off")
    out.append("namespace dbm::cnpg::internal {")
    out.append("")
    type_rows = []
    for facts, element, first, count in table.types:
        keys, key_count = table.texts_range(facts["keys"])
        enum, enum_count = table.texts_range(facts["enum"])
        rules, rule_count = table.texts_range(facts["rules"])
        flags = "|".join(f for f, on in [("kNullable", facts["nullable"]),
                                         ("kImmutable", facts["immutable"]),
                                         ("kDeprecated", facts["deprecated"])] if on) or "0"
        type_rows.append(
            "  {Kind::%s,%s,%d,%d,%d,%d,%d,%d,%d,%d,%d,%s,%s,%s,%s,%s,%s,%s,%s}," % (
                facts["type"], flags, element, first, count, enum, enum_count, keys, key_count,
                rules, rule_count, quote(facts["pattern"]), quote(facts["format"]),
                number(facts["min"], "kNoMin"), number(facts["max"], "kNoMax"),
                number(facts["min_length"], "0"), number(facts["max_length"], "kNoLimit"),
                number(facts["min_items"], "0"), number(facts["max_items"], "kNoLimit")))
    out.append("constexpr std::string_view kTexts[] = {")
    out += ["  %s," % quote(t) for t in table.texts or [""]]
    out.append("};")
    out.append("")
    out.append("constexpr Type kTypes[] = {")
    out += type_rows
    out.append("};")
    out.append("")
    out.append("constexpr Field kFields[] = {")
    out += ["  {%s,%d,%d,%s}," % (quote(name), type_, bits, "true" if required else "false")
            for name, bits, required, type_ in table.fields]
    out.append("};")
    out.append("")
    out.append("constexpr Field kRoots[] = {")
    out += ["  {%s,%d,%d,true}," % (quote(kind), type_, bits) for kind, bits, type_ in roots]
    out.append("};")
    out.append("")
    for name, what in [("texts", "std::string_view"), ("types", "Type"), ("fields", "Field"),
                       ("roots", "Field")]:
        out.append("std::span<const %s> %s() { return k%s; }" % (what, name, name.capitalize()))
    out.append("")
    out.append("}  // namespace dbm::cnpg::internal")
    print("\n".join(out))
    print("%d types, %d fields, %d texts" % (len(table.types), len(table.fields), len(table.texts)),
          file=sys.stderr)


if __name__ == "__main__":
    main()
