/**
 * Troubles that every tool words alike because they come from below it: names, sockets, TLS, HTTP, disks, memory. Readers
 * ask it what kind of failure a line of theirs is; tools/system.ts uses it for lines that no tool claims.
 */
import type { ToolFailureKind } from "./tool-failure.ts";

export interface Trouble {
  readonly kind: ToolFailureKind;
  /** What happened, to be put behind a tool's name: `the disk is full`. */
  readonly what: string;
  readonly next?: string;
}

interface Known {
  readonly pattern: RegExp;
  readonly trouble: (name: string | undefined) => Trouble;
}

const NETWORK_NEXT = "is the name right, and may the build reach it? on AWS a build in a VPC needs a NAT gateway";
const named = (name: string | undefined): string =>
  name === undefined ? "" : ` \`${name.replace(/[.,:;)\]]+$/, "")}\``;

const KNOWN: readonly Known[] = [
  {
    pattern:
      /No space left on device|ENOSPC|no space left on device|Disk quota exceeded|You don't have enough free space/,
    trouble: () => ({
      kind: "disk-full",
      what: "the disk is full",
      next: "free space before the command (old images, caches), or take a compute type with a larger disk",
    }),
  },
  {
    pattern:
      /JavaScript heap out of memory|java\.lang\.OutOfMemoryError|Cannot allocate memory|MemoryError|std::bad_alloc|virtual memory exhausted|OOMKilled|Out of memory: Killed|Expiring Daemon because JVM heap space is exhausted|Allowed memory size of \d+ bytes exhausted|ENOMEM/,
    trouble: () => ({
      kind: "out-of-memory",
      what: "memory ran out",
      next: "give the tool more (its own limit first), run less at the same time, or take a larger compute type",
    }),
  },
  {
    pattern:
      /toomanyrequests|TooManyRequests|429 Too Many Requests|\bE429\b|[Rr]ate limit exceeded|You have reached your pull rate limit|error: 429\b|status(?: code)?:? 429\b/,
    trouble: () => ({
      kind: "rate-limit",
      what: "too many requests: the server limits how many it answers",
      next: "log in to it, use a mirror or a cache, or try again later",
    }),
  },
  {
    pattern:
      /[Cc]ould not resolve host(?:name)?:? ['"‘]?([\w.-]+)|unable to resolve host address [‘'"`]?([\w.-]+)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)|lookup ([\w.-]+)(?: on \S+)?: (?:no such host|Temporary|server misbehaving|i\/o timeout)|UnknownHostException: ([\w.-]+)|Failed to resolve '([\w.-]+)'|[Cc]ould not resolve '([\w.-]+)'|Temporary failure resolving '([\w.-]+)'|Unknown host ['"]?([\w.-]+)|Name or service not known|Temporary failure in name resolution|nodename nor servname|No such host is known/,
    trouble: (name) => ({
      kind: "network",
      what: `the host name${named(name)} does not resolve`,
      next: NETWORK_NEXT,
    }),
  },
  {
    pattern:
      /SSL certificate problem: ([^\n(]{3,80})|CERTIFICATE_VERIFY_FAILED|self[- ]signed certificate|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT_LOCALLY)|CERT_HAS_EXPIRED|x509: [^\n]{3,80}|PKIX path building failed|certificate verify failed|server certificate verification failed|unable to get local issuer certificate|SSLHandshakeException|SSLError\(/,
    trouble: () => ({
      kind: "tls",
      what: "the server's certificate is not trusted",
      next: "add the authority's certificate to the image (`ca-certificates`), or check the clock and the proxy",
    }),
  },
  {
    pattern: /ECONNREFUSED ?([\w.:-]+)?|Connection refused|connection refused|Failed to connect to (\S+) port/,
    trouble: (name) => ({
      kind: "network",
      what: `nothing answers${name === undefined ? "" : ` at${named(name)}`}: the connection was refused`,
      next: "is the service started, and is it the right host and port? in a build, `localhost` is the build itself",
    }),
  },
  {
    pattern:
      /ETIMEDOUT|ESOCKETTIMEDOUT|[Cc]onnection timed out|ConnectTimeout|Read timed out|ReadTimeoutError|i\/o timeout|[Oo]peration timed out|SocketTimeoutException|TLS handshake timeout|net\/http: request canceled|Client\.Timeout exceeded/,
    trouble: () => ({ kind: "network", what: "the server did not answer in time", next: NETWORK_NEXT }),
  },
  {
    pattern:
      /ECONNRESET|Connection reset by peer|connection reset by peer|Network is unreachable|No route to host|ENETUNREACH|EHOSTUNREACH|unexpected EOF|RemoteDisconnected/,
    trouble: () => ({ kind: "network", what: "the connection broke", next: "try again; is a proxy in between?" }),
  },
  {
    pattern:
      /\bE?401\b[^\n]{0,40}Unauthorized|\bE401\b|(?:status(?: code)?|error|HTTP(?:\/[\d.]+)?):? 401\b|401 Unauthorized|no basic auth credentials|authentication (?:is )?required|Authentication failed|[Ii]ncorrect or missing password/,
    trouble: () => ({
      kind: "authentication",
      what: "the server wants a login, or does not accept the one it got",
      next: "give the tool its credentials: a token from Parameter Store or Secrets Manager under `env` of the buildspec",
    }),
  },
  {
    pattern: /\bE403\b|403 Forbidden|(?:status(?: code)?|error|HTTP(?:\/[\d.]+)?):? 403\b/,
    trouble: () => ({
      kind: "permission",
      what: "the server refuses: 403 Forbidden",
      next: "has the token of the build access to it? a proxy may refuse as well",
    }),
  },
  {
    pattern: /EACCES|EPERM|[Pp]ermission denied|Operation not permitted/,
    trouble: () => ({
      kind: "permission",
      what: "the user of the build may not do this",
      next: "see which user the command runs as (`run-as`), and who owns the file",
    }),
  },
];

/** What kind of trouble a text tells of, if it is one that all tools share. */
export function knownTrouble(text: string): Trouble | undefined {
  for (const { pattern, trouble } of KNOWN) {
    const match = pattern.exec(text);
    if (match) return trouble(match.slice(1).find((group) => group !== undefined));
  }
  return undefined;
}

/** A value for a headline: one line, not endless. */
export function short(text: string | undefined, limit = 160): string {
  const line = (text ?? "")
    .trim()
    .replace(/\s+/g, " ")
    .replace(/([\w'")`\]])\.$/, "$1");
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

/** In backticks, without those it has. */
export const quote = (text: string | undefined, limit = 120): string => `\`${short(text, limit).replace(/`/g, "'")}\``;
