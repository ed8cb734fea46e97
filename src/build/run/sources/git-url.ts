/**
 * A git source's location: which transports are taken, what the URL says besides the repository. Refused are spellings
 * that git would read as an option or as a command to run (`--upload-pack=…`, `ext::…`).
 */
import { isAbsolute } from "node:path";
import { percentDecoded } from "../../../core/percent-decoded.ts";
import { err, ok, type Result } from "../../../core/result.ts";

export interface UserAndPassword {
  readonly username: string;
  readonly password: string;
}

export interface GitUrl {
  /** For git and for people: without credentials. */
  readonly url: string;
  /** `https`, `http`, `ssh`, `git`, `file`. */
  readonly protocol: string;
  /** With its port, where it has one. */
  readonly host: string | undefined;
  /** `github.com/owner/name`, as CodeBuild names the source's folder. */
  readonly folder: string | undefined;
  /** Those written into the URL. */
  readonly credentials: UserAndPassword | undefined;
}

const TRANSPORTS: ReadonlySet<string> = new Set(["https", "http", "ssh", "git", "file"]);

/** The error is a reason for people; it never holds credentials. */
export function parseGitUrl(location: string): Result<GitUrl, string> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
  if (location === "" || /[\u0000-\u001f\u007f]/.test(location))
    return err("the location is empty or holds control characters");
  if (location.startsWith("-")) return err("the location starts with a dash");
  if (/^[A-Za-z0-9+.-]+::/.test(location))
    return err("the location names a remote helper (`name::`), which would run a command");
  if (isAbsolute(location)) return ok(plain(location, "file"));
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // user@host:path
    const scp = /^(?:[\w.+-]+@)?([\w.-]+):(?!\/\/)([^\s]+)$/.exec(location);
    if (!scp || scp[1]?.startsWith("-") || scp[2]?.startsWith("-")) return err("the location is no URL");
    return ok({ ...plain(location, "ssh"), host: scp[1], folder: folderOf(scp[1] ?? "", scp[2] ?? "") });
  }
  if (!TRANSPORTS.has(scheme)) return err(`the transport \`${scheme}\` is not one of ${[...TRANSPORTS].join(", ")}`);
  if (scheme === "file") return ok(plain(location, "file"));
  let parsed: URL;
  try {
    parsed = new URL(location);
  } catch {
    return err("the location is no URL");
  }
  if (parsed.hostname === "" || parsed.hostname.startsWith("-")) return err("the location has no host");
  const { username, password, pathname } = parsed;
  const isHttp = scheme === "http" || scheme === "https";
  const url = isHttp
    ? location.replace(/^(\w+:\/\/)[^/?#]*@/, "$1")
    : location.replace(/^(\w+:\/\/[^/:@]*):[^/@]*@/, "$1@");
  return ok({
    url,
    protocol: scheme,
    host: parsed.host,
    folder: folderOf(parsed.hostname, pathname),
    credentials:
      isHttp && username + password !== ""
        ? { username: percentDecoded(username), password: percentDecoded(password) }
        : undefined,
  });
}

/** The URL without user and password. */
export function withoutCredentials(location: string): string {
  const parsed = parseGitUrl(location);
  return parsed.ok ? parsed.value.url : location.replaceAll(/(\w+:\/\/)[^/@\s]*@/g, "$1");
}

/** `git@host:owner/name` and `ssh://…` as the HTTPS clone URL that a CodeBuild project has. */
export function asCloneUrl(location: string): string {
  const parsed = parseGitUrl(location);
  if (!parsed.ok) return withoutCredentials(location);
  const { protocol, host, folder, url } = parsed.value;
  if (protocol !== "ssh" || host === undefined || folder === undefined) return url;
  return `https://${folder}.git`;
}

const plain = (url: string, protocol: string): GitUrl => ({
  url,
  protocol,
  host: undefined,
  folder: undefined,
  credentials: undefined,
});

function folderOf(host: string, path: string): string | undefined {
  const parts = path
    .replace(/^\/+|\/+$/g, "")
    .replace(/\.git$/, "")
    .split("/")
    .map(percentDecoded);
  const isSafe = parts.every((part) => /^[^/\\\0]+$/.test(part) && part !== "." && part !== "..");
  return isSafe && /^[\w.-]+$/.test(host) && !/^\.+$/.test(host) ? [host, ...parts].join("/") : undefined;
}
