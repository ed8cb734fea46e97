/**
 * Which service and operation a request means, and its parsed body. First step of the pipeline.
 * One address serves every service: `X-Amz-Target` (JSON), else what is signed for S3, else `Action` (query), else what
 * the credential scope says. The path is ignored for JSON and query: clients put one there when their endpoint URL has one.
 */
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import {
  isQueryService,
  loadModel,
  malformedInput,
  notOffered,
  type ServiceDefinition,
  serializationException,
  unknownOperation,
} from "../services/index.ts";
import { missingAction, noSuchCall, noTarget } from "./errors.ts";
import type { Exchange, Target, WireProtocol } from "./exchange.ts";
import { awsJson } from "./protocols/aws-json.ts";
import { awsQuery } from "./protocols/aws-query.ts";
import { cbor, restJson, unknownXml } from "./protocols/refusals.ts";
import { restXml } from "./protocols/rest-xml.ts";
import { addressOf, bucketOfHost, S3Routes } from "./s3-address.ts";

const FORM = "application/x-www-form-urlencoded";

/** How a request is to be answered, from its headers alone: errors before `resolve` need it. */
export function protocolOf(request: IncomingMessage): WireProtocol {
  const { headers } = request;
  const contentType = headers["content-type"] ?? "";
  if (headers["smithy-protocol"] !== undefined || contentType.startsWith("application/cbor")) return cbor;
  if (headers["x-amz-target"] !== undefined || contentType.startsWith("application/x-amz-json")) return awsJson;
  // Objects have any content type and keys any text: what S3's clients have signed is S3's.
  if (isS3(request)) return restXml;
  if (contentType.startsWith(FORM) || request.url?.includes("Action=")) return awsQuery;
  const service = requestedService(request);
  return service === undefined || service === "s3" ? restXml : isQueryService(service) ? awsQuery : restJson;
}

const PRESIGNED_S3 = /[?&](?:X-Amz-Credential=[^&]*(?:%2F|\/)s3(?:%2F|\/)|AWSAccessKeyId=)/i;

/** True for what is signed for S3, in a header or a URL, and for what names a bucket in its host. */
export function isS3({ headers, url = "" }: IncomingMessage): boolean {
  const { authorization } = headers;
  if (authorization !== undefined) return authorization.startsWith("AWS ") || scopedService(authorization) === "s3";
  if (PRESIGNED_S3.test(url)) return true;
  return bucketOfHost(headers.host) !== undefined && !url.includes("X-Amz-Credential=");
}

export type Resolve = (exchange: Exchange) => Target;

/** Throws AWS's error for a target it does not know, and this tool's own for services it does not offer. */
export function createResolve(services: ReadonlyMap<ServiceName, ServiceDefinition>): Resolve {
  const names = `the services ${[...services.keys()].sort().join(", ")}`;
  const byTargetPrefix = new Map<string, ServiceName>();
  const queryServices: ServiceName[] = [];
  /** Operations with a model by the whole of `X-Amz-Target`; filled as they are called. */
  const known = new Map<string, Omit<Target, "payload">>();
  // A service's model is read when the service is first called: the start waits for none.
  for (const { name, protocol, targetPrefix } of services.values()) {
    if (protocol === "awsQuery") queryServices.push(name);
    else if (protocol === "awsJson1_1") byTargetPrefix.set(targetPrefix ?? loadModel(name).targetPrefix ?? name, name);
  }
  const refuse = (name: string): AwsError => notOffered(name, names);
  let s3Routes: S3Routes | undefined;

  function resolveS3(exchange: Exchange): Target {
    const address = addressOf(exchange.request, exchange.path, exchange.query);
    s3Routes ??= new S3Routes(loadModel("s3"));
    return targetOf("s3", s3Routes.operationOf(exchange.request, address), address);
  }

  function resolveJson(exchange: Exchange, amzTarget: string): Target {
    if (exchange.method !== "POST" || !isJson(exchange.request.headers["content-type"])) throw noJsonCall(exchange);
    // AWS: a body that does not parse is answered before the target is looked at.
    const payload = parseJson(exchange.inflated ?? exchange.body);
    const remembered = known.get(amzTarget);
    if (remembered) {
      const { service, operation, model, serviceModel } = remembered;
      return { service, operation, model, serviceModel, payload };
    }
    const dot = amzTarget.lastIndexOf(".");
    const service = byTargetPrefix.get(amzTarget.slice(0, Math.max(dot, 0)));
    if (service === undefined) throw dot > 0 ? refuse(amzTarget) : noTarget();
    const target = targetOf(service, amzTarget.slice(dot + 1), payload);
    if (target.model) known.set(amzTarget, { ...target, payload: undefined } as Omit<Target, "payload">);
    return target;
  }

  function resolveQuery(exchange: Exchange): Target {
    const form = parseForm(exchange.method === "GET" ? exchange.query : exchange.body.toString("utf8"));
    const scoped = scopedService(exchange.request.headers.authorization ?? form.get("X-Amz-Credential") ?? undefined);
    const service = queryService(scoped, form.get("Version"));
    const action = form.get("Action");
    if (!action) throw missingAction();
    if (service === undefined) throw refuse(`${scoped ?? form.get("Version") ?? "query"}:${action}`);
    return targetOf(service, action, form);
  }

  /** The scope decides; unsigned and foreign-scoped requests go by `Version`, to be refused by authentication. */
  function queryService(scoped: string | undefined, version: string | null): ServiceName | undefined {
    const known = scoped !== undefined && isQueryService(scoped) && services.has(scoped as ServiceName);
    return known ? (scoped as ServiceName) : queryServices.find((name) => loadModel(name).apiVersion === version);
  }

  return (exchange) => {
    const amzTarget = exchange.request.headers["x-amz-target"];
    const { protocol } = exchange;
    if (protocol === cbor) throw refuse(`the CBOR protocol (${exchange.path})`);
    if (typeof amzTarget === "string") return resolveJson(exchange, amzTarget);
    if (protocol === awsQuery) return resolveQuery(exchange);
    if (protocol === restXml && services.has("s3")) return resolveS3(exchange);
    if (protocol === awsJson) throw exchange.method === "POST" ? noTarget() : noJsonCall(exchange);
    const service = requestedService(exchange.request) ?? "s3";
    if (services.get(service as ServiceName)?.protocol === "awsJson1_1") throw noJsonCall(exchange);
    throw refuse(`${service}: ${exchange.method} ${exchange.path}`);
  };
}

/** AWS: what it does not have is said before anybody looks at the signature. */
export function refuseUnknown({ service, operation, model, serviceModel, payload }: Target): void {
  if (payload instanceof URLSearchParams) {
    // AWS: in these words where there is none.
    const version = payload.get("Version") || "NO_VERSION_SPECIFIED";
    if (version !== serviceModel.apiVersion) throw unknownOperation(service, operation, version);
  }
  if (model || serviceModel.outsideScope.has(operation)) return;
  throw unknownOperation(service, operation, serviceModel.apiVersion);
}

const UNSIGNED = new Set(["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"]);

/** Refuses by name what AWS takes without a signature, before anybody asks for one. */
export function refuseUnsigned({ service, operation }: Target): void {
  if (service !== "sts" || !UNSIGNED.has(operation)) return;
  throw notOffered(`${service}:${operation}`, "AssumeRole, to callers with AWS credentials");
}

function targetOf(service: ServiceName, operation: string, payload: unknown): Target {
  const serviceModel = loadModel(service);
  return { service, operation, model: serviceModel.operation(operation), serviceModel, payload };
}

function parseJson(body: Buffer): unknown {
  // AWS: an empty body is no input, but that is told behind the signature.
  if (body.byteLength === 0) return undefined;
  const text = body.toString("utf8");
  // The sign for bytes that are no UTF-8, unless somebody wrote it.
  if (text.includes("\ufffd") && !isUtf8(body)) throw serializationException();
  try {
    // Halves of a surrogate pair can only come as escapes, which few bodies have.
    return /\\u[dD][89a-fA-F]/.test(text) ? JSON.parse(text, requireWholePairs) : JSON.parse(text);
  } catch {
    throw serializationException();
  }
}

const MAX_PARAMETERS = 20_000;

function parseForm(text: string): URLSearchParams {
  let count = 1;
  for (let at = text.indexOf("&"); at >= 0 && count <= MAX_PARAMETERS; at = text.indexOf("&", at + 1)) count++;
  if (count > MAX_PARAMETERS) throw malformedInput(`The request has more than ${MAX_PARAMETERS} parameters`);
  return new URLSearchParams(text);
}

function requireWholePairs(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === "string" && !value.isWellFormed())) throw new SyntaxError(key);
  return value;
}

const JSON_TYPE = /^\s*application\/(?:x-amz-json-1\.[01]|json)\s*(?:;|$)/i;

/** The error for what a JSON service does not take for a call; its answer is no JSON either. */
function noJsonCall(exchange: Exchange): AwsError {
  exchange.protocol = unknownXml;
  return noSuchCall();
}

/** Nobody's type, or one of JSON. The usual one is compared first. */
const isJson = (contentType: string | undefined): boolean =>
  contentType === "application/x-amz-json-1.1" || contentType === undefined || JSON_TYPE.test(contentType);

/** The service that a request was signed for, in a header or in its URL. */
function requestedService({ headers, url = "" }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return scopedService(headers.authorization);
  const credential = /[?&]X-Amz-Credential=([^&]*)/.exec(url)?.[1];
  return credential === undefined ? undefined : credential.split(/%2F|\//i)[3];
}

/** The service of `Credential=<key>/<date>/<region>/<service>/aws4_request`. */
function scopedService(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const start = text.indexOf("Credential=");
  const credential = text.slice(start < 0 ? 0 : start + "Credential=".length).split(/[, ]/, 1)[0] as string;
  return credential.split("/")[3];
}
