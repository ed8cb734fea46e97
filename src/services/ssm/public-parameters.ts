/**
 * Public parameters, `/aws/service/…`: AWS's own, the same for every account, without an account in their ARN. Here are the
 * regions of `global-infrastructure`, and what a file `public-parameters.json` in the state folder holds: an object of
 * names and values, which win.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-finding-public-parameters.html
 * Gap: everything else that AWS publishes (images, services, endpoints, long names of regions).
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type AwsScope, partitionOf } from "../../core/arn.ts";
import { KilnError } from "../../core/errors.ts";
import type { Entry, Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { type ParameterRecord, type ParameterVersion, parameterKey } from "./records.ts";

export const PUBLIC_PREFIX = "/aws/service/";
const FILE = "public-parameters.json";

/** Regions by their geography; the partition and the domain follow from the name. */
const REGIONS =
  "af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 " +
  "ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-7 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 " +
  "eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 " +
  "me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2";

/** A scope without an account is that of public parameters. */
export const isPublic = (scope: AwsScope): boolean => scope.accountId === "";

export function findPublicParameter(store: Store, name: string): ParameterRecord | undefined {
  const parameter = publicParameters(store).get(name);
  return parameter && recordOf(name, parameter);
}

/** All of them, in no order, under keys like those of the caller's own. */
export const publicEntries = ({ store, scope }: OperationContext): Entry<ParameterRecord>[] =>
  [...publicParameters(store)].map(([name, parameter]) => ({
    key: parameterKey(scope, name),
    value: recordOf(name, parameter),
  }));

interface PublicParameter {
  readonly value: string;
  readonly modifiedMs: number;
}

type PublicParameters = ReadonlyMap<string, PublicParameter>;

/** What the file held when it was last changed. */
const read = new WeakMap<Store, { readonly modifiedMs: number; readonly parameters: PublicParameters }>();
let seeded: PublicParameters | undefined;

function publicParameters(store: Store): PublicParameters {
  seeded ??= new Map(seed());
  const path = store.stateDir === undefined ? undefined : join(store.stateDir, FILE);
  const modifiedMs = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (path === undefined || modifiedMs === undefined) return seeded;
  const known = read.get(store);
  if (known?.modifiedMs === modifiedMs) return known.parameters;
  const parameters = new Map([...seeded, ...parametersOf(path, modifiedMs)]);
  read.set(store, { modifiedMs, parameters });
  return parameters;
}

function* seed(): Generator<[string, PublicParameter]> {
  const regions = `${PUBLIC_PREFIX}global-infrastructure/regions/`;
  const modifiedMs = 0;
  for (const region of REGIONS.split(" ")) {
    const partition = partitionOf(region);
    const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
    yield [`${regions}${region}`, { value: region, modifiedMs }];
    yield [`${regions}${region}/domain`, { value: domain, modifiedMs }];
    yield [`${regions}${region}/partition`, { value: partition, modifiedMs }];
  }
}

function parametersOf(path: string, modifiedMs: number): [string, PublicParameter][] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw badFile(path, (error as Error).message);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) throw badFile(path, "not an object");
  return Object.entries(content).map(([name, value]) => {
    if (!name.startsWith(PUBLIC_PREFIX)) throw badFile(path, `\`${name}\` does not start with \`${PUBLIC_PREFIX}\``);
    if (typeof value !== "string" || value === "") throw badFile(path, `\`${name}\` has no text as its value`);
    return [name, { value, modifiedMs: Math.floor(modifiedMs) }];
  });
}

const badFile = (path: string, why: string): KilnError =>
  new KilnError({
    code: "KILN_E_PUBLIC_PARAMETERS",
    message: `the public parameters in \`${path}\` cannot be read: ${why}`,
    fix: [`make it an object of names and values: {"${PUBLIC_PREFIX}name": "value"}`],
    exitCode: 2,
  });

function recordOf(name: string, { value, modifiedMs }: PublicParameter): ParameterRecord {
  const latest: ParameterVersion = {
    version: 1,
    type: "String",
    value,
    tier: "Standard",
    dataType: "text",
    lastModifiedMs: modifiedMs,
    lastModifiedUser: "",
  };
  return { name, latest, oldestVersion: 1, labels: {}, tags: {} };
}
