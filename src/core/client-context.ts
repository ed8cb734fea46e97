/**
 * Condition keys of an HTTP request: who sent it, from where, how. Used by the endpoint for AWS traffic and by the registry.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import type { IncomingMessage } from "node:http";
import { isLoopbackAddress, unmappedAddress } from "./loopback.ts";

export type ClientContext = Readonly<Record<"aws:SourceIp" | "aws:UserAgent" | "aws:SecureTransport", string>>;

/** Of the last request: those of one client are alike. */
let last: { readonly address: string; readonly userAgent: string; readonly context: ClientContext } | undefined;

export function clientContext(request: IncomingMessage): ClientContext {
  const address = request.socket.remoteAddress ?? "";
  const userAgent = request.headers["user-agent"] ?? "";
  if (last?.address === address && last.userAgent === userAgent) return last.context;
  const context = {
    "aws:SourceIp": unmappedAddress(address),
    "aws:UserAgent": userAgent,
    // differs: on loopback plain HTTP stands in for AWS's TLS endpoints (docs/differences.md#secure-transport)
    "aws:SecureTransport": isLoopbackAddress(address) ? "true" : "false",
  };
  last = { address, userAgent, context };
  return context;
}
