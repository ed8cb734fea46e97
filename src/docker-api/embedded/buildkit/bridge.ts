/**
 * moby.buildkit.v1.frontend.LLBBridge: the calls of a frontend that runs inside the client. buildx pings, asks for the
 * Dockerfile's build, and returns its result; the Solve call of control.ts then ends with what was returned.
 * Source: https://github.com/moby/buildkit/blob/master/frontend/gateway/pb/gateway.proto . Gaps: containers of a
 * frontend, image configs, LLB definitions; answered as unimplemented.
 */
import { readFile } from "node:fs/promises";
import { findFile } from "../../../images/layered-root.ts";
import type { BuilderContext } from "../api.ts";
import { refused } from "./build-options.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import { type GrpcCall, type GrpcHandlers, unary } from "./grpc-server.ts";
import type { Job } from "./jobs.ts";
import {
  BridgeSolveRequest,
  BridgeSolveResponse,
  Empty,
  type MessageOf,
  PongResponse,
  ReadFileRequest,
  ReadFileResponse,
  ReturnRequest,
} from "./messages.ts";
import { solveBuild } from "./solve-build.ts";
import { workerRecord } from "./worker.ts";

/** Names which build a call belongs to. */
const BUILD_ID_HEADER = "buildkit-controlapi-buildid";
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** What BuildKit's client library asks of this bridge, and what of a build's definition this builder knows. */
const FRONTEND_CAPABILITIES =
  "solve.base solve.inlinereturn readfile readfile.range return returnmap importcaches proto.refarray reference.output frontend.caps gateway.solve.metadata gateway.solve.evaluate gateway.evaluate";
const LLB_CAPABILITIES =
  "source.image source.local source.local.unique source.local.sessionid source.local.includepatterns source.local.followpaths " +
  "source.local.excludepatterns exec.meta.base exec.mount.bind exec.mount.cache exec.mount.secret exec.mount.tmpfs file.base constraints platform";

export function bridgeHandlers(context: BuilderContext): GrpcHandlers {
  const { jobs } = context.buildkit;
  const bridge = "/moby.buildkit.v1.frontend.LLBBridge";
  const jobOf = async ({ metadata, signal }: GrpcCall): Promise<Job> => {
    const ref = metadata[BUILD_ID_HEADER];
    if (typeof ref !== "string" || ref === "") throw new GrpcError(CODE.invalidArgument, "no buildid found in context");
    return (await jobs.wait(ref, signal)).job;
  };
  return {
    [`${bridge}/Ping`]: unary(Empty, PongResponse, async (_, call) => {
      await jobOf(call);
      return {
        frontendApiCaps: FRONTEND_CAPABILITIES.split(" ").map((id) => ({ id, enabled: true })),
        llbCaps: LLB_CAPABILITIES.split(" ").map((id) => ({ id, enabled: true })),
        workers: [workerRecord()],
      };
    }),
    [`${bridge}/Solve`]: unary(BridgeSolveRequest, BridgeSolveResponse, async (request, call) =>
      solve(context, await jobOf(call), request),
    ),
    [`${bridge}/Evaluate`]: unary(Empty, Empty, async () => ({})),
    [`${bridge}/Inputs`]: unary(Empty, Empty, async () => ({})),
    [`${bridge}/ReadFile`]: unary(ReadFileRequest, ReadFileResponse, async (request, call) =>
      readResultFile(context, await jobOf(call), request),
    ),
    [`${bridge}/Return`]: unary(ReturnRequest, Empty, async ({ error }, call) => {
      const job = await jobOf(call);
      job.finishFrontend(error && new GrpcError(error.code, error.message, error.details));
      return {};
    }),
  };
}

async function solve(
  context: BuilderContext,
  job: Job,
  request: MessageOf<typeof BridgeSolveRequest>,
): Promise<Partial<MessageOf<typeof BridgeSolveResponse>>> {
  if (request.frontend !== "dockerfile.v0")
    throw refused(request.frontend === "" ? "LLB definitions" : `the frontend \`${request.frontend}\``);
  if (Object.keys(request.frontendInputs).length > 0) throw refused("inputs out of another build (bake targets)");
  if (job.result !== undefined) throw refused("two builds under one reference");
  const build = async (): Promise<Awaited<ReturnType<typeof solveBuild>>> => {
    const session = job.sessionId === "" ? undefined : await context.buildkit.sessions.wait(job.sessionId, job.signal);
    const cacheImports = [...job.cacheImports, ...request.cacheImports];
    return solveBuild({ ...job, context, session, cacheImports, attributes: request.frontendOpt });
  };
  job.result = build();
  const { image } = await job.result;
  return { result: { refDeprecated: "", ref: { id: image.id }, metadata: {} } };
}

async function readResultFile(
  context: BuilderContext,
  job: Job,
  { filePath, range }: MessageOf<typeof ReadFileRequest>,
): Promise<MessageOf<typeof ReadFileResponse>> {
  const result = await job.result;
  const file = result && (await findFile(context.store.root(result.image.layers), filePath));
  if (!file) throw new GrpcError(CODE.notFound, `open ${filePath}: no such file or directory`);
  if (file.stats.size > MAX_FILE_BYTES) throw new GrpcError(CODE.resourceExhausted, `${filePath} is too large`);
  const bytes = await readFile(file.hostPath);
  return { data: range ? bytes.subarray(range.offset, range.offset + range.length) : bytes };
}
