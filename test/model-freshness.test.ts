/**
 * The model tables against the SDK clients installed here: an operation or member that AWS added, renamed or removed
 * since `data/models/` was generated is listed by name. Cure: run scripts/generate-models.mjs with a newer botocore, or
 * add the member to scripts/model-additions.json.
 * SDKs and botocore are never of the same day: what is behind for now is in model-freshness-known.json, which
 * `npm run test:update` rewrites and a reviewer reads; it should only shrink.
 */
import { readFileSync, writeFileSync } from "node:fs";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as codebuild from "@aws-sdk/client-codebuild";
import * as ecr from "@aws-sdk/client-ecr";
import * as iam from "@aws-sdk/client-iam";
import * as kms from "@aws-sdk/client-kms";
import * as s3 from "@aws-sdk/client-s3";
import * as secretsmanager from "@aws-sdk/client-secrets-manager";
import * as ssm from "@aws-sdk/client-ssm";
import * as sts from "@aws-sdk/client-sts";
import { describe, expect, it } from "vitest";
import type { ServiceName } from "../src/core/aws.ts";
import { loadModel, type Shape } from "../src/services/index.ts";

/** Schemas in the SDK are arrays; the first element is the kind. */
const OPERATION = 9;
const STRUCTURE = 3;

type Schema = readonly unknown[];

const clients: Partial<Record<ServiceName, object>> = { logs, codebuild, ecr, iam, kms, s3, secretsmanager, ssm, sts };
const KNOWN_FILE = new URL("model-freshness-known.json", import.meta.url);

const isSchema = (value: unknown, kind: number): value is Schema => Array.isArray(value) && value[0] === kind;
const resolved = (schema: unknown): unknown => (typeof schema === "function" ? schema() : schema);

/** Operations of a client by name, with the schemas of input and output. */
function operationsOf(client: object): Map<string, { input: unknown; output: unknown }> {
  const schemas = Object.values(client).filter((value) => isSchema(value, OPERATION));
  return new Map(
    schemas.map((schema) => [schema[2] as string, { input: resolved(schema[4]), output: resolved(schema[5]) }]),
  );
}

function differences(service: ServiceName, client: object): string[] {
  const model = loadModel(service);
  const operations = operationsOf(client);
  const known = new Set([...model.operations.keys(), ...model.outsideScope]);
  const found = [
    ...[...operations.keys()].filter((name) => !known.has(name)).map((name) => `${name} is missing here`),
    ...[...known].filter((name) => !operations.has(name)).map((name) => `${name} is gone from the SDK`),
  ];
  const seen = new Set<Shape>();
  for (const [name, operation] of model.operations) {
    const schemas = operations.get(name);
    if (!schemas) continue;
    compareMembers(operation.input, schemas.input, seen, found);
    compareMembers(operation.output, schemas.output, seen, found);
  }
  return found.sort();
}

/** Walks structures, lists and maps of both sides in step. */
function compareMembers(shape: Shape | undefined, schema: unknown, seen: Set<Shape>, found: string[]): void {
  if (!shape || seen.has(shape)) return;
  seen.add(shape);
  const target = resolved(schema);
  if (shape.type !== "structure") {
    if (shape.item && Array.isArray(target)) compareMembers(shape.item, innerOf(target), seen, found);
    return;
  }
  if (!isSchema(target, STRUCTURE)) return;
  const names = target[4] as readonly string[];
  const schemas = target[5] as readonly unknown[];
  for (const member of names)
    if (!shape.memberByName.has(member)) found.push(`${shape.name}.${member} is missing here`);
  for (const member of shape.members) {
    const at = names.indexOf(member.name);
    if (at < 0) found.push(`${shape.name}.${member.name} is gone from the SDK`);
    else compareMembers(member.shape, schemas[at], seen, found);
  }
}

/** Lists are `[1, ns, name, traits, item]`, maps `[2, ns, name, traits, key, value]`, both maybe inside `[schema, traits]`. */
function innerOf(schema: readonly unknown[]): unknown {
  const inner = resolved(schema[0] === 1 ? schema[4] : schema[0] === 2 ? schema[5] : undefined);
  return Array.isArray(inner) && typeof inner[0] !== "number" ? inner[0] : inner;
}

/** Rewrites the list when asked to. */
function knownDifferences(): Partial<Record<ServiceName, readonly string[]>> {
  if (process.env["KILN_UPDATE_GOLDEN"] === "1") {
    const now = Object.entries(clients).map(([name, client]) => [name, differences(name as ServiceName, client)]);
    writeFileSync(KNOWN_FILE, `${JSON.stringify(Object.fromEntries(now), undefined, 2)}\n`);
  }
  return JSON.parse(readFileSync(KNOWN_FILE, "utf8"));
}

describe.each(Object.entries(clients))("the model of %s", (service, client) => {
  it("has the operations and members of the SDK client, but for the known ones", () => {
    const name = service as ServiceName;
    expect(operationsOf(client).size).toBeGreaterThan(5);
    expect(differences(name, client)).toEqual(knownDifferences()[name] ?? []);
  });
});
