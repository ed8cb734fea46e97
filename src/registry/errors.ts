/**
 * The registry's errors: code, HTTP status and standard text of each, in one table.
 * Every answer from 400 on has the body `{"errors":[{"code","message","detail"}]}`; clients read it on 4xx only.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes;
 * TAG_INVALID is what Amazon ECR adds. Gap: texts of other registries differ in wording, codes and statuses do not.
 */

interface RegistryErrorKind {
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

const REGISTRY_ERRORS = {
  blobUnknown: { code: "BLOB_UNKNOWN", status: 404, message: "blob unknown to registry" },
  blobUploadInvalid: { code: "BLOB_UPLOAD_INVALID", status: 400, message: "blob upload invalid" },
  blobUploadUnknown: { code: "BLOB_UPLOAD_UNKNOWN", status: 404, message: "blob upload unknown to registry" },
  chunkOutOfOrder: { code: "BLOB_UPLOAD_INVALID", status: 416, message: "chunk does not start where the upload ends" },
  rangeUnsatisfiable: { code: "RANGE_INVALID", status: 416, message: "requested range lies outside the blob" },
  digestInvalid: { code: "DIGEST_INVALID", status: 400, message: "provided digest did not match uploaded content" },
  manifestBlobUnknown: { code: "MANIFEST_BLOB_UNKNOWN", status: 400, message: "manifest blob unknown to registry" },
  manifestInvalid: { code: "MANIFEST_INVALID", status: 400, message: "manifest invalid" },
  manifestUnknown: { code: "MANIFEST_UNKNOWN", status: 404, message: "manifest unknown" },
  nameInvalid: { code: "NAME_INVALID", status: 400, message: "invalid repository name" },
  nameUnknown: { code: "NAME_UNKNOWN", status: 404, message: "repository name not known to registry" },
  pageSizeInvalid: { code: "PAGINATION_NUMBER_INVALID", status: 400, message: "invalid number of results requested" },
  sizeInvalid: { code: "SIZE_INVALID", status: 400, message: "provided length did not match content length" },
  tooLarge: { code: "SIZE_INVALID", status: 413, message: "manifest is larger than the registry takes" },
  tagInvalid: { code: "TAG_INVALID", status: 400, message: "manifest tag did not match URI" },
  unauthorized: { code: "UNAUTHORIZED", status: 401, message: "authentication required" },
  denied: { code: "DENIED", status: 403, message: "requested access to the resource is denied" },
  unsupported: { code: "UNSUPPORTED", status: 405, message: "the operation is unsupported" },
  routeUnknown: { code: "UNSUPPORTED", status: 404, message: "no such path in the distribution API" },
  requestInvalid: { code: "UNSUPPORTED", status: 400, message: "malformed request" },
  /** Clients print the status line of 5xx answers, so a full disk is told by its own status. */
  storageFull: { code: "UNKNOWN", status: 507, message: "no space left where the registry keeps its blobs" },
  internal: { code: "UNKNOWN", status: 500, message: "unknown error" },
} as const satisfies Record<string, RegistryErrorKind>;

export type RegistryErrorName = keyof typeof REGISTRY_ERRORS;

export interface RegistryErrorOptions {
  /** Replaces the standard text. */
  readonly message?: string;
  readonly detail?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside `errors`, for clients that look for another registry's shape. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Replaces the kind's status where AWS or the protocol wants another one. */
  readonly status?: number;
}

/** An answer of the registry that is an error; rendered by registry.ts, mapped to AwsErrors by services/ecr. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly kind: RegistryErrorName;
  readonly code: string;
  readonly status: number;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(kind: RegistryErrorName, options: RegistryErrorOptions = {}) {
    super(options.message ?? REGISTRY_ERRORS[kind].message);
    this.kind = kind;
    this.code = REGISTRY_ERRORS[kind].code;
    this.status = options.status ?? REGISTRY_ERRORS[kind].status;
    this.detail = options.detail ?? null;
    this.headers = options.headers ?? {};
    this.extra = options.extra ?? {};
  }
}

/** Clients take answers without it for those of another protocol. */
export const API_VERSION = { "docker-distribution-api-version": "registry/2.0" } as const;

/** The JSON body of an error answer. */
export const errorBody = (error: RegistryError): string =>
  JSON.stringify({ ...error.extra, errors: [{ code: error.code, message: error.message, detail: error.detail }] });

/** An error answered before the registry saw the request, in the form its clients print. */
export function refusal(status: number, message: string): { headers: Record<string, string | number>; body: string } {
  const body = errorBody(new RegistryError(status === 403 ? "denied" : "requestInvalid", { status, message }));
  return {
    headers: { ...API_VERSION, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    body,
  };
}
