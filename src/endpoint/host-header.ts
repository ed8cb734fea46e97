/**
 * Which Host headers are answered. A page in a browser can reach a loopback server through a DNS name of its own
 * (DNS rebinding); such a name is in the Host header, so only addresses and names that nobody else can own pass.
 */
import { isEcrHost } from "../core/ecr-host.ts";

const ALLOWED_NAMES = new Set([
  "localhost",
  // Names that container engines give to the machine they run on.
  "host.docker.internal",
  "host.containers.internal",
  // The registry stands in for Docker Hub.
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "auth.docker.io",
]);

/** What SDKs put before the host for StartLiveTail: before this machine's own names and addresses it is in no DNS. */
const STREAM_PREFIX = /^(?:stream|streaming)-(?:logs\.)?(?=(?:localhost|\d{1,3}(?:\.\d{1,3}){3})$)/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const MAX_REMEMBERED = 1_000;

/** Tells whether a Host header names this endpoint; `boundHost` is what the server listens on. */
export function createHostCheck(boundHost: string): (hostHeader: string | undefined) => boolean {
  const remembered = new Map<string, boolean>();
  return (hostHeader) => {
    // HTTP/1.0 clients send none; a browser always does.
    if (hostHeader === undefined) return true;
    const known = remembered.get(hostHeader);
    if (known !== undefined) return known;
    const allowed = isOwnHost(nameOf(hostHeader).replace(STREAM_PREFIX, ""), boundHost.toLowerCase());
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(hostHeader, allowed);
    return allowed;
  };
}

/** An IP address cannot be rebound, so any address is fine. */
function isOwnHost(name: string, boundHost: string): boolean {
  return (
    name === boundHost ||
    ALLOWED_NAMES.has(name) ||
    name.endsWith(".localhost") ||
    // S3 buckets before the address; such a name is in no DNS.
    name.endsWith(".127.0.0.1") ||
    name.startsWith("[") ||
    IPV4.test(name) ||
    isEcrHost(name)
  );
}

/** Host without its port, lower case; IPv6 addresses keep their brackets. */
function nameOf(hostHeader: string): string {
  const host = hostHeader.toLowerCase();
  if (host.startsWith("[")) return host.slice(0, host.indexOf("]") + 1);
  const colon = host.lastIndexOf(":");
  return (colon < 0 ? host : host.slice(0, colon)).replace(/\.$/, "");
}
