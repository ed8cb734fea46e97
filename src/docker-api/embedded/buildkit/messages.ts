/**
 * The messages of BuildKit's services that a build's clients and Kiln exchange, as field tables: numbers and types are
 * those of BuildKit's public .proto files; members Kiln never reads are left out.
 * Sources: https://github.com/moby/buildkit api/services/control/control.proto, api/types/worker.proto,
 * frontend/gateway/pb/gateway.proto, session/{auth,filesync,secrets}/*.proto, solver/pb/ops.proto;
 * https://github.com/tonistiigi/fsutil types/{stat,wire}.proto; google/rpc/status.proto
 */
import { bytes, flag, integer, type MessageOf, many, mapOf, message, nested, text } from "./protobuf.ts";

export const Empty = message({});
export type { MessageOf };

const Timestamp = message({ seconds: integer(1), nanos: integer(2) });
export const timestampOf = (ms: number): MessageOf<typeof Timestamp> => ({
  seconds: Math.floor(ms / 1000),
  nanos: Math.round((ms % 1000) * 1_000_000),
});
export const msOf = (at: MessageOf<typeof Timestamp> | undefined): number | undefined =>
  at && at.seconds * 1000 + at.nanos / 1_000_000;

const Any = message({ typeUrl: text(1), value: bytes(2) });
/** `google.rpc.Status`: of a failed call, in `grpc-status-details-bin`. */
export const Status = message({ code: integer(1), message: text(2), details: many(nested(3, Any)) });
export type StatusDetail = MessageOf<typeof Any>;

// Progress.
const Vertex = message({
  digest: text(1),
  inputs: many(text(2)),
  name: text(3),
  cached: flag(4),
  started: nested(5, Timestamp),
  completed: nested(6, Timestamp),
  error: text(7),
});
const VertexStatus = message({
  id: text(1),
  vertex: text(2),
  name: text(3),
  current: integer(4),
  total: integer(5),
  timestamp: nested(6, Timestamp),
  started: nested(7, Timestamp),
  completed: nested(8, Timestamp),
});
const VertexLog = message({ vertex: text(1), timestamp: nested(2, Timestamp), stream: integer(3), msg: bytes(4) });
const Position = message({ line: integer(1), character: integer(2) });
const SourceInfo = message({ filename: text(1), data: bytes(2), language: text(4) });
const VertexWarning = message({
  vertex: text(1),
  level: integer(2),
  short: bytes(3),
  detail: many(bytes(4)),
  url: text(5),
  info: nested(6, SourceInfo),
  ranges: many(nested(7, message({ start: nested(1, Position), end: nested(2, Position) }))),
});
export const StatusResponse = message({
  vertexes: many(nested(1, Vertex)),
  statuses: many(nested(2, VertexStatus)),
  logs: many(nested(3, VertexLog)),
  warnings: many(nested(4, VertexWarning)),
});
export type StatusMessage = MessageOf<typeof StatusResponse>;

// moby.buildkit.v1.Control
const Definition = message({ def: many(bytes(1)) });
const Exporter = message({ type: text(1), attrs: mapOf(2, text) });
export type ExporterRequest = MessageOf<typeof Exporter>;
const CacheOptionsEntry = message({ type: text(1), attrs: mapOf(2, text) });
export type CacheOption = MessageOf<typeof CacheOptionsEntry>;
const CacheOptions = message({
  exportRef: text(1),
  importRefs: many(text(2)),
  exports: many(nested(4, CacheOptionsEntry)),
  imports: many(nested(5, CacheOptionsEntry)),
});
export const SolveRequest = message({
  ref: text(1),
  definition: nested(2, Definition),
  exporter: text(3),
  exporterAttrs: mapOf(4, text),
  session: text(5),
  frontend: text(6),
  frontendAttrs: mapOf(7, text),
  cache: nested(8, CacheOptions),
  entitlements: many(text(9)),
  frontendInputs: mapOf(10, (number) => nested(number, Definition)),
  exporters: many(nested(13, Exporter)),
});
export const SolveResponse = message({ exporterResponse: mapOf(1, text) });
export const StatusRequest = message({ ref: text(1) });
export const BytesMessage = message({ data: bytes(1) });
const Platform = message({ architecture: text(1), os: text(2), variant: text(3) });
const BuildkitVersion = message({ package: text(1), version: text(2), revision: text(3) });
const WorkerRecord = message({
  id: text(1),
  labels: mapOf(2, text),
  platforms: many(nested(3, Platform)),
  buildkitVersion: nested(5, BuildkitVersion),
});
export const ListWorkersResponse = message({ record: many(nested(1, WorkerRecord)) });
export const InfoResponse = message({ buildkitVersion: nested(1, BuildkitVersion) });

// moby.buildkit.v1.frontend.LLBBridge
const ApiCap = message({ id: text(1), enabled: flag(2) });
export const PongResponse = message({
  frontendApiCaps: many(nested(1, ApiCap)),
  llbCaps: many(nested(2, ApiCap)),
  workers: many(nested(3, WorkerRecord)),
});
export const BridgeSolveRequest = message({
  definition: nested(1, Definition),
  frontend: text(2),
  frontendOpt: mapOf(3, text),
  cacheImports: many(nested(12, CacheOptionsEntry)),
  frontendInputs: mapOf(13, (number) => nested(number, Definition)),
});
const Ref = message({ id: text(1) });
const Result = message({ refDeprecated: text(1), ref: nested(3, Ref), metadata: mapOf(10, bytes) });
export const BridgeSolveResponse = message({ ref: text(1), result: nested(3, Result) });
export const ReturnRequest = message({ result: nested(1, Result), error: nested(2, Status) });
export const ReadFileRequest = message({
  ref: text(1),
  filePath: text(2),
  range: nested(3, message({ offset: integer(1), length: integer(2) })),
});
export const ReadFileResponse = message({ data: bytes(1) });

// What the client's session serves.
export const Stat = message({
  path: text(1),
  /** Go's os.FileMode. */
  mode: integer(2),
  uid: integer(3),
  gid: integer(4),
  size: integer(5),
  /** Nanoseconds; this loses fractions of a microsecond. */
  modTime: integer(6),
  linkname: text(7),
});
export type StatMessage = MessageOf<typeof Stat>;
export const Packet = message({ type: integer(1), stat: nested(2, Stat), id: integer(3), data: bytes(4) });
export const PACKET = { stat: 0, request: 1, data: 2, end: 3, error: 4 } as const;
export const GetSecretRequest = message({ id: text(1) });
export const GetSecretResponse = message({ data: bytes(1) });
export const CredentialsRequest = message({ host: text(1) });
export const CredentialsResponse = message({ username: text(1), secret: text(2) });
export const HealthCheckResponse = message({ status: integer(1) });
