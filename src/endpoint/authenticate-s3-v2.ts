/**
 * Presigned URLs of Signature Version 2, which the AWS CLI v1 makes in us-east-1: an HMAC-SHA1 over method, dates, headers and
 * resource. Version 2 in a header is refused (authenticate-s3.ts).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { isoSeconds } from "../core/clock.ts";
import type { S3Authenticated, S3AuthenticatorOptions } from "./authenticate-s3.ts";
import type { Exchange } from "./exchange.ts";
import { requireKey, requireSession } from "./s3-access-key.ts";
import { s3AddressOf } from "./s3-address.ts";
import { accessDenied, PRESIGNED_V2_PARAMETERS, signatureDoesNotMatch } from "./s3-errors.ts";

/** Parameters that a version 2 signature covers. */
const SUBRESOURCES = new Set([
  ...[
    "acl",
    "accelerate",
    "analytics",
    "cors",
    "delete",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
  ],
  ...["metrics", "notification", "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus"],
  ...["publicAccessBlock", "replication", "requestPayment", "restore", "retention", "tagging", "torrent", "uploadId"],
  ...["uploads", "versionId", "versioning", "versions", "website", "response-cache-control"],
  ...["response-content-disposition", "response-content-encoding", "response-content-language"],
  ...["response-content-type", "response-expires"],
]);

/** `?AWSAccessKeyId=…&Expires=…&Signature=…`: the AWS CLI v1 presigns so in us-east-1. */
export function authenticateV2(
  exchange: Exchange,
  query: ReadonlyMap<string, string>,
  options: S3AuthenticatorOptions,
): S3Authenticated {
  const accessKeyId = query.get("AWSAccessKeyId");
  const signature = query.get("Signature");
  const expires = query.get("Expires");
  if (!accessKeyId || !signature || !expires) throw accessDenied(PRESIGNED_V2_PARAMETERS);
  const expiresMs = Number(expires) * 1000;
  if (!Number.isFinite(expiresMs)) {
    throw accessDenied(`Invalid date (should be seconds since epoch): ${expires}`);
  }
  const nowMs = exchange.receivedMs;
  if (nowMs > expiresMs) {
    throw accessDenied("Request has expired", { Expires: isoSeconds(expiresMs), ServerTime: isoSeconds(nowMs) });
  }
  const accessKey = requireKey(options.identity, accessKeyId);
  const text = stringToSignV2(exchange, query, expires);
  const expected = createHmac("sha1", accessKey.secret.reveal()).update(text).digest();
  const given = Buffer.from(signature, "base64");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw signatureDoesNotMatch({ accessKeyId, stringToSign: text, signature });
  }
  requireSession(accessKey, accessKeyId, query.get("x-amz-security-token"), options.sessionClock?.nowMs() ?? nowMs);
  return {
    accessKey,
    // Version 2 says nothing of a region.
    region: options.scope.region,
    contentHash: "UNSIGNED-PAYLOAD",
    signing: undefined,
    conditionKeys: { "s3:authType": "REST-QUERY-STRING", "s3:signatureversion": "AWS" },
  };
}

function stringToSignV2(exchange: Exchange, query: ReadonlyMap<string, string>, expires: string): string {
  const { bucket, isVirtualHost } = s3AddressOf(exchange);
  const { headers } = exchange.request;
  const amz = new Map<string, string>();
  for (const [name, value] of query) if (name.startsWith("x-amz-")) amz.set(name, value);
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith("x-amz-")) amz.set(name, String(value).trim());
  const amzLines = [...amz].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}:${value}\n`);
  const subresources = [...query]
    .filter(([name]) => SUBRESOURCES.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  const resource = `${isVirtualHost ? `/${bucket}` : ""}${exchange.path}`;
  return [
    exchange.method,
    headers["content-md5"] ?? query.get("content-md5") ?? "",
    headers["content-type"] ?? query.get("content-type") ?? "",
    expires,
    `${amzLines.join("")}${resource}${subresources.length > 0 ? `?${subresources.join("&")}` : ""}`,
  ].join("\n");
}
