/**
 * Writes the model tables from botocore's service models: `data/models/<service>.json` (facts the endpoint needs to
 * decode, validate and encode) and `src/services/<service>/shapes.gen.ts` (types of the operations in scope).
 *
 *   node scripts/generate-models.mjs BOTOCORE_DATA_DIR
 *   node scripts/generate-models.mjs --additions
 *
 * BOTOCORE_DATA_DIR holds `<service>/<api version>/service-2.json[.gz]`, as in any botocore installation. What AWS has and
 * botocore has not yet stands in model-additions.json; `--additions` brings only that into the tables that are there.
 * Facts only: names, types, required members, bounds, patterns, enums, error codes. No documentation text is copied.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const SERVICES = {
  ssm: /Parameter|TagsToResource|TagsFromResource|TagsForResource|ServiceSetting|ResourcePolic/,
  kms: /./,
  secretsmanager: /./,
  iam: /./,
  sts: /./,
  codebuild: /./,
  logs: /^(Create|Delete|Describe)Log(Group|Stream)s?$|^PutLogGroupDeletionProtection$|LogEvents$|StartLiveTail|RetentionPolicy$|^(Tag|Untag)(Resource|LogGroup)$|^ListTags|^AssociateKmsKey$|^DisassociateKmsKey$/,
  ecr: /./,
  s3: /^(Create|Delete|Head)Bucket$|^ListBuckets$|^GetBucketLocation$|^(Get|Put)BucketAcl$|^(Get|Put|Delete)BucketPolicy$|^(Get|Put)BucketVersioning$|^(Get|Put|Delete)BucketEncryption$|^(Get|Put|Delete)(Bucket|Object)Tagging$|^(Get|Put|Head|Delete|Copy)Object$|^DeleteObjects$|^GetObjectAttributes$|^ListObject(s|sV2|Versions)$|^(Create|Complete|Abort)MultipartUpload$|^UploadPart$|^List(Parts|MultipartUploads)$/,
};

/** Enums that a service does not treat as such: other values have an error of their own. */
const OPEN_ENUMS = { s3: ["BucketLocationConstraint", "StorageClass", "ServerSideEncryption"] };

const botocoreData = process.argv[2];
const onlyAdditions = botocoreData === "--additions";
if (!botocoreData || !(onlyAdditions || existsSync(botocoreData))) {
  process.stderr.write("usage: node scripts/generate-models.mjs BOTOCORE_DATA_DIR | --additions\n");
  process.exit(2);
}

const repository = new URL("..", import.meta.url).pathname;
const { about: _about, ...ADDITIONS } = JSON.parse(
  readFileSync(join(repository, "scripts/model-additions.json"), "utf8"),
);

for (const [service, inScope] of onlyAdditions ? [] : Object.entries(SERVICES)) {
  const model = readModel(service);
  // Deprecated operations of S3 share the address of the ones that came after them; no client of today has them.
  const isGone = ({ deprecated }) => deprecated && model.metadata.protocol === "rest-xml";
  const operationNames = Object.keys(model.operations)
    .filter((name) => !isGone(model.operations[name]))
    .sort();
  const operations = {};
  const reachable = new Set();
  for (const name of operationNames.filter((n) => inScope.test(n))) {
    const operation = model.operations[name];
    operations[name] = {
      ...(operation.input && { input: operation.input.shape }),
      ...(operation.output && { output: operation.output.shape }),
      ...(operation.output?.resultWrapper && { resultWrapper: operation.output.resultWrapper }),
      ...(operation.http.responseCode && { status: operation.http.responseCode }),
    };
    for (const shape of [operation.input?.shape, operation.output?.shape]) if (shape) reach(model, shape, reachable);
  }
  const shapes = {};
  for (const name of [...reachable].sort()) shapes[name] = shapeFacts(model.shapes[name]);
  for (const name of OPEN_ENUMS[service] ?? []) delete shapes[name].enum;
  const { metadata } = model;
  const xmlNamespace = metadata.xmlNamespace ?? rootNamespace(model);
  const table = {
    generator: "scripts/generate-models.mjs",
    service,
    apiVersion: metadata.apiVersion,
    ...(metadata.targetPrefix && { targetPrefix: metadata.targetPrefix }),
    ...(xmlNamespace && { xmlNamespace }),
    ...(metadata.protocol === "rest-xml" && { routes: routesOf(model) }),
    outsideScope: operationNames.filter((n) => !inScope.test(n)),
    operations,
    shapes,
  };
  writeTable(service, table);
}

if (onlyAdditions) {
  for (const service of Object.keys(ADDITIONS)) {
    writeTable(service, JSON.parse(readFileSync(join(repository, `data/models/${service}.json`), "utf8")));
  }
}

/** The table with its additions, and the types of its shapes. */
function writeTable(service, table) {
  const { shapes, members, optional = {} } = ADDITIONS[service] ?? { shapes: {}, members: {} };
  const added = { ...table.shapes, ...shapes };
  for (const [name, more] of Object.entries(members)) {
    added[name] = { ...added[name], members: { ...added[name].members, ...more } };
  }
  for (const [name, noLonger] of Object.entries(optional)) {
    const { required = [], ...shape } = added[name];
    const still = required.filter((member) => !noLonger.includes(member));
    added[name] = { ...shape, ...(still.length > 0 && { required: still }) };
  }
  const sorted = Object.fromEntries(Object.entries(added).sort(([a], [b]) => (a < b ? -1 : 1)));
  mkdirSync(join(repository, "data/models"), { recursive: true });
  writeFileSync(join(repository, `data/models/${service}.json`), `${JSON.stringify({ ...table, shapes: sorted })}\n`);
  const folder = join(repository, "src/services", service);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "shapes.gen.ts"), typesOf(service, sorted));
}

function readModel(service) {
  const folder = join(botocoreData, service);
  const version = readdirSync(folder).sort().at(-1);
  const path = join(folder, version, "service-2.json");
  return JSON.parse(existsSync(path) ? readFileSync(path, "utf8") : gunzipSync(readFileSync(`${path}.gz`)).toString());
}

/** REST services name the namespace on the documents in requests. */
function rootNamespace(model) {
  if (model.metadata.protocol !== "rest-xml") return undefined;
  const inputs = Object.values(model.operations).map((operation) => model.shapes[operation.input?.shape]);
  const payloads = inputs.map((shape) => shape?.members[shape.payload]).filter((member) => member?.xmlNamespace);
  return payloads[0]?.xmlNamespace.uri;
}

/**
 * How each operation is recognised, those outside the scope included: they are refused by name. `needs` are the required
 * parameters (`?name` in the query, else a header) that tell apart operations of one method and URI.
 */
function routesOf(model) {
  const all = Object.entries(model.operations).filter(([, operation]) => !operation.deprecated);
  const addressOf = ({ http }) => `${http.method} ${http.requestUri}`;
  const routes = {};
  for (const [name, operation] of all.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { http, input } = operation;
    const isShared = all.filter(([, other]) => addressOf(other) === addressOf(operation)).length > 1;
    const { members = {}, required = [] } = model.shapes[input?.shape] ?? {};
    const needs = required
      .map((member) => members[member])
      .filter(({ location }) => location === "querystring" || location === "header")
      .map(({ location, locationName }) => (location === "header" ? locationName.toLowerCase() : `?${locationName}`));
    routes[name] = { method: http.method, uri: http.requestUri, ...(isShared && needs.length > 0 && { needs }) };
  }
  return routes;
}

function reach(model, name, reachable) {
  if (reachable.has(name)) return;
  reachable.add(name);
  const shape = model.shapes[name];
  for (const member of Object.values(shape.members ?? {})) reach(model, member.shape, reachable);
  for (const part of [shape.member, shape.key, shape.value]) if (part) reach(model, part.shape, reachable);
}

/** Only what decoding, validation and encoding need; short keys keep the tables small. */
function shapeFacts(shape) {
  const facts = { type: shape.type };
  if (shape.members) {
    facts.members = {};
    for (const [name, member] of Object.entries(shape.members)) {
      facts.members[name] = {
        shape: member.shape,
        ...(member.locationName && member.locationName !== name && { wireName: member.locationName }),
        ...(member.location && { location: member.location }),
        ...(member.xmlAttribute && { isAttribute: true }),
        ...(member.streaming && { isStreaming: true }),
      };
    }
  }
  if (shape.payload) facts.payload = shape.payload;
  if (shape.timestampFormat) facts.timestampFormat = shape.timestampFormat;
  if (shape.xmlNamespace?.prefix) facts.xmlNamespace = shape.xmlNamespace;
  if (shape.member?.locationName) facts.itemName = shape.member.locationName;
  if (shape.required?.length) facts.required = shape.required;
  if (shape.member) facts.member = shape.member.shape;
  if (shape.key) Object.assign(facts, { key: shape.key.shape, value: shape.value.shape });
  for (const bound of ["min", "max", "pattern", "enum", "sensitive", "flattened", "eventstream"]) {
    if (shape[bound] !== undefined) facts[bound] = shape[bound];
  }
  return facts;
}

function typesOf(service, shapes) {
  const lines = [
    `// Generated by scripts/generate-models.mjs from the ${service} service model; do not edit.`,
    "// Timestamps are epoch milliseconds, blobs are Uint8Array.",
    "",
  ];
  for (const [name, shape] of Object.entries(shapes)) {
    if (shape.type !== "structure") continue;
    const members = Object.entries(shape.members ?? {});
    if (members.length === 0) {
      lines.push(`export type ${name} = Record<string, never>;`, "");
      continue;
    }
    lines.push(`export interface ${name} {`);
    for (const [member, { shape: target, isStreaming }] of members) {
      const optional = shape.required?.includes(member) ? "" : "?";
      const type = isStreaming ? "Uint8Array | AsyncIterable<Uint8Array>" : typeOf(shapes, target, new Set());
      lines.push(`  readonly ${member}${optional}: ${type}${optional ? " | undefined" : ""};`);
    }
    lines.push("}", "");
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

function typeOf(shapes, name, seen) {
  const shape = shapes[name];
  switch (shape.type) {
    case "structure":
      return name;
    case "list":
      return seen.has(name)
        ? "readonly unknown[]"
        : `readonly ${arrayOf(typeOf(shapes, shape.member, new Set([...seen, name])))}[]`;
    case "map":
      return `Readonly<Record<string, ${typeOf(shapes, shape.value, seen)}>>`;
    case "string":
      return shape.enum ? shape.enum.map((v) => JSON.stringify(v)).join(" | ") : "string";
    case "boolean":
      return "boolean";
    case "blob":
      return "Uint8Array";
    default:
      return "number";
  }
}

function arrayOf(type) {
  return type.includes("|") || type.startsWith("readonly") ? `(${type})` : type;
}
