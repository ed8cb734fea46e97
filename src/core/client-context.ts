/**
 * Condition keys of an HTTP request: who sent it, from where, how. Used by the endpoint for AWS traffic and by the registry.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import type { IncomingMessage } from "node:http";

export type ClientContext = Readonly<Record<"aws:SourceIp" | "aws:UserAgent" | "aws:SecureTransport", string>>;

/** Of the last request: those of one client are alike. */
let last: { readonly address: string; readonly userAgent: string; readonly context: ClientContext } | undefined;

export function clientContext(request: IncomingMessage): ClientContext {
  const address = request.socket.remoteAddress ?? "";
  const userAgent = request.headers["user-agent"] ?? "";
  if (last?.address === address && last.userAgent === userAgent) return last.context;
  const sourceIp = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  const context = {
    "aws:SourceIp": sourceIp,
    "aws:UserAgent": userAgent,
    // differs: on loopback plain HTTP stands in for AWS's TLS endpoints (docs/differences.md#secure-transport)
    "aws:SecureTransport": sourceIp.startsWith("127.") || sourceIp === "::1" ? "true" : "false",
  };
  last = { address, userAgent, context };
  return context;
}
