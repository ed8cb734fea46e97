/**
 * Which bucket, key and operation an S3 request means: path style (`/bucket/key`) or the bucket in the host name
 * (`bucket.localhost`, `bucket.s3.us-east-1.localhost`), then the operation by method and query.
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and the bindings of the model.
 */
import type { IncomingMessage } from "node:http";
import type { OperationRoute, ServiceModel } from "../services/index.ts";
import type { Exchange } from "./exchange.ts";
import { invalidUri, methodNotAllowed, unknownSubresource } from "./s3-errors.ts";

export interface S3Address {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly query: ReadonlyMap<string, string>;
  /** True when the host name has the bucket. */
  readonly isVirtualHost: boolean;
}

/** The address of an exchange that was resolved for S3. */
export function s3AddressOf({ target }: Exchange): S3Address {
  if (target?.service !== "s3") throw new Error("not a request for S3");
  return target.payload as S3Address;
}

/** Names that every machine resolves to itself, and the address that some people put a bucket before. */
const BASES = [".localhost", ".127.0.0.1"];
const S3_HOST = /^(?:(.+)\.)?s3(?:[.-][a-z]{2,}(?:-[a-z]+)+-\d+)?$/;

/** The bucket before the endpoint's own name; undefined for path style. */
export function bucketOfHost(hostHeader: string | undefined): string | undefined {
  const host = (hostHeader ?? "").toLowerCase().replace(/:\d+$/, "");
  const base = BASES.find((one) => host.endsWith(one));
  if (base === undefined) return undefined;
  const name = host.slice(0, -base.length);
  const match = S3_HOST.exec(name);
  return match ? match[1] : name;
}

/** Throws InvalidURI for a path that is not percent-encoded UTF-8. */
export function addressOf(request: IncomingMessage, path: string, query: string): S3Address {
  const hostBucket = bucketOfHost(request.headers.host);
  const parsedQuery = parseQuery(query, request.url ?? path);
  if (hostBucket !== undefined) {
    const key = decodeText(path.slice(1), path);
    return { bucket: hostBucket, key: key === "" ? undefined : key, query: parsedQuery, isVirtualHost: true };
  }
  const slash = path.indexOf("/", 1);
  const bucket = decodeText(slash < 0 ? path.slice(1) : path.slice(1, slash), path);
  const key = slash < 0 ? "" : decodeText(path.slice(slash + 1), path);
  return {
    bucket: bucket === "" ? undefined : bucket,
    key: key === "" ? undefined : key,
    query: parsedQuery,
    isVirtualHost: false,
  };
}

function parseQuery(query: string, uri: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decodeText(equals < 0 ? part : part.slice(0, equals), uri);
    const value = equals < 0 ? "" : decodeText(part.slice(equals + 1).replaceAll("+", " "), uri);
    // AWS: the first of several counts.
    if (!values.has(name)) values.set(name, value);
  }
  return values;
}

function decodeText(text: string, uri: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUri(uri);
  }
}

type Resource = "SERVICE" | "BUCKET" | "OBJECT";

const RESOURCES: Readonly<Record<string, Resource>> = {
  "/": "SERVICE",
  "/{Bucket}": "BUCKET",
  "/{Bucket}/{Key+}": "OBJECT",
};

interface Candidate {
  readonly operation: string;
  /** Parameters of the URI: a value of "" only has to be there. */
  readonly fixed: readonly (readonly [string, string])[];
  readonly queryNeeds: readonly string[];
  readonly headerNeeds: readonly string[];
}

/** Finds operations by method and resource; the one that asks for most comes first. */
export class S3Routes {
  readonly #candidates = new Map<string, Candidate[]>();
  /** Parameters that mean something. */
  readonly #names = new Set<string>();

  constructor(model: ServiceModel) {
    for (const route of model.routes) {
      const [path = "", query = ""] = route.uri.split("?");
      const resource = RESOURCES[path];
      // Operations with a host of their own.
      if (resource === undefined) continue;
      const id = `${route.method} ${resource}`;
      for (const [name] of candidateOf(route, query).fixed) this.#names.add(name);
      const known = this.#candidates.get(id);
      if (known) known.push(candidateOf(route, query));
      else this.#candidates.set(id, [candidateOf(route, query)]);
    }
    for (const { input } of model.operations.values()) {
      for (const member of input?.members ?? [])
        if (member.location === "querystring") this.#names.add(member.wireName);
    }
    for (const candidates of this.#candidates.values()) candidates.sort((a, b) => weight(b) - weight(a));
  }

  operationOf(request: IncomingMessage, { bucket, key, query }: S3Address): string {
    this.#requireKnown(query);
    const resource = bucket === undefined ? "SERVICE" : key === undefined ? "BUCKET" : "OBJECT";
    const method = request.method ?? "GET";
    const found = this.#candidates.get(`${method} ${resource}`)?.find((candidate) => fits(candidate, request, query));
    if (!found) throw methodNotAllowed(method, resource);
    return found.operation;
  }

  /** A bare word that AWS has learned since the model was made may ask for anything, but not for the object itself. */
  #requireKnown(query: ReadonlyMap<string, string>): void {
    for (const [name, value] of query) {
      if (value === "" && !this.#names.has(name) && !ALWAYS_KNOWN.test(name)) throw unknownSubresource(name);
    }
  }
}

/** Parameters of signatures and of SDKs. */
const ALWAYS_KNOWN = /^(?:x-amz-.*|x-id|AWSAccessKeyId|Signature|Expires)$/i;

function candidateOf({ operation, needs }: OperationRoute, query: string): Candidate {
  const fixed = query === "" ? [] : query.split("&").map((part) => part.split("=", 2) as [string, string?]);
  return {
    operation,
    fixed: fixed.map(([name, value = ""]) => [name, value] as const),
    queryNeeds: needs.filter((name) => name.startsWith("?")).map((name) => name.slice(1)),
    headerNeeds: needs.filter((name) => !name.startsWith("?")),
  };
}

const weight = ({ fixed, queryNeeds, headerNeeds }: Candidate): number =>
  4 * fixed.length + 2 * Math.sign(queryNeeds.length) + Math.sign(headerNeeds.length);

function fits(candidate: Candidate, request: IncomingMessage, query: ReadonlyMap<string, string>): boolean {
  const { fixed, queryNeeds, headerNeeds } = candidate;
  return (
    fixed.every(([name, value]) => query.has(name) && (value === "" || query.get(name) === value)) &&
    // One of them is enough to know what is meant: what else is missing is the operation's to say.
    (queryNeeds.length === 0 || queryNeeds.some((name) => query.has(name))) &&
    headerNeeds.every((name) => request.headers[name] !== undefined)
  );
}
