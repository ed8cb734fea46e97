/**
 * The paths of the distribution API, as data: what a URL asks for, before anybody looks at who asks.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
 */

export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "token" }
  | { readonly kind: "catalog" }
  | RepositoryRoute;

/** A path below a repository; `name` is what stands between `/v2/` and the rest, decoded. */
export type RepositoryRoute =
  | { readonly kind: "blob"; readonly name: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly name: string }
  | { readonly kind: "upload"; readonly name: string; readonly uploadId: string }
  | { readonly kind: "manifest"; readonly name: string; readonly reference: string }
  | { readonly kind: "tags"; readonly name: string }
  | { readonly kind: "referrers"; readonly name: string; readonly digest: string };

/** Where Bearer tokens come from. No repository can have this name: theirs start with a letter or digit. */
export const TOKEN_PATH = "/v2/_kiln/token";

/** The last match wins, so a repository may be called `manifests` itself. */
const REPOSITORY_ROUTE =
  /^\/v2\/(?<name>.+)\/(?:blobs\/uploads(?:\/(?<uploadId>[^/]*))?|blobs\/(?<blob>[^/]+)|manifests\/(?<manifest>[^/]+)|(?<tags>tags\/list)|referrers\/(?<subject>[^/]+))$/;

/** The route of a URL path, or undefined when the API has none such. */
export function parseRoute(encodedPath: string): Route | undefined {
  const path = decode(encodedPath);
  if (path === undefined) return undefined;
  if (path === "/v2" || path === "/v2/") return { kind: "ping" };
  if (path === TOKEN_PATH) return { kind: "token" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  const parts = REPOSITORY_ROUTE.exec(path)?.groups;
  const name = parts?.["name"];
  if (!parts || name === undefined) return undefined;
  if (parts["manifest"] !== undefined) return { kind: "manifest", name, reference: parts["manifest"] };
  if (parts["blob"] !== undefined) return { kind: "blob", name, digest: parts["blob"] };
  if (parts["tags"] !== undefined) return { kind: "tags", name };
  if (parts["subject"] !== undefined) return { kind: "referrers", name, digest: parts["subject"] };
  return parts["uploadId"] ? { kind: "upload", name, uploadId: parts["uploadId"] } : { kind: "uploads", name };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
