/**
 * Which service and operation a request means, and its parsed body. First step of the pipeline.
 * One address serves every service: `X-Amz-Target` (JSON), else what is signed for S3, else `Action` (query), else what
 * the credential scope says. The path is ignored for JSON and query: clients put one there when their endpoint URL has one.
 */
import type { IncomingMessage } from "node:http";
import type { ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import {
  isQueryService,
  loadModel,
  notOffered,
  type ServiceDefinition,
  serializationException,
} from "../services/index.ts";
import { missingAction } from "./errors.ts";
import type { Exchange, Target, WireProtocol } from "./exchange.ts";
import { awsJson } from "./protocols/aws-json.ts";
import { awsQuery } from "./protocols/aws-query.ts";
import { cbor, restJson } from "./protocols/refusals.ts";
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
  const service = scopedService(headers.authorization);
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
    // AWS: a body that does not parse is answered before the target is looked at.
    const payload = parseJson(exchange.body);
    const remembered = known.get(amzTarget);
    if (remembered) {
      const { service, operation, model, serviceModel } = remembered;
      return { service, operation, model, serviceModel, payload };
    }
    const dot = amzTarget.lastIndexOf(".");
    const service = byTargetPrefix.get(amzTarget.slice(0, Math.max(dot, 0)));
    if (service === undefined) throw refuse(amzTarget);
    const target = targetOf(service, amzTarget.slice(dot + 1), payload);
    if (target.model) known.set(amzTarget, { ...target, payload: undefined } as Omit<Target, "payload">);
    return target;
  }

  function resolveQuery(exchange: Exchange): Target {
    const form = new URLSearchParams(exchange.method === "GET" ? exchange.query : exchange.body.toString("utf8"));
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
    const service = scopedService(exchange.request.headers.authorization) ?? "s3";
    throw refuse(`${service}: ${exchange.method} ${exchange.path}`);
  };
}

const UNSIGNED = new Set(["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]);

/** Refuses by name what AWS takes without a signature, before anybody asks for one. */
export function refuseUnsigned({ service, operation }: Target): void {
  const name = `${service}:${operation}`;
  if (UNSIGNED.has(name)) throw notOffered(name, "AssumeRole, to callers with AWS credentials");
}

function targetOf(service: ServiceName, operation: string, payload: unknown): Target {
  const serviceModel = loadModel(service);
  return { service, operation, model: serviceModel.operation(operation), serviceModel, payload };
}

function parseJson(body: Buffer): unknown {
  // AWS: an empty body counts as an empty object.
  if (body.byteLength === 0) return {};
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw serializationException();
  }
}

/** The service of `Credential=<key>/<date>/<region>/<service>/aws4_request`. */
function scopedService(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const start = text.indexOf("Credential=");
  const credential = text.slice(start < 0 ? 0 : start + "Credential=".length).split(/[, ]/, 1)[0] as string;
  return credential.split("/")[3];
}
