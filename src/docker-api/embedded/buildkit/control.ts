/**
 * moby.buildkit.v1.Control: what `docker buildx` and `docker compose build` ask of a BuildKit. A build is one Solve call;
 * the client then plays the frontend itself and asks for the Dockerfile's build through LLBBridge (bridge.ts).
 * Source: https://github.com/moby/buildkit/blob/master/api/services/control/control.proto . Gaps: LLB definitions,
 * other frontends and entitlements are refused by name. A build starts with an empty builder, so there is nothing of its
 * own to list, to prune or to remember.
 */
import type { BuilderContext } from "../api.ts";
import { bridgeHandlers } from "./bridge.ts";
import { refused } from "./build-options.ts";
import { type GrpcCall, type GrpcHandlers, oneRequest, unary } from "./grpc-server.ts";
import type { Job, NewJob } from "./jobs.ts";
import {
  Empty,
  HealthCheckResponse,
  InfoResponse,
  ListWorkersResponse,
  type MessageOf,
  SolveRequest,
  SolveResponse,
  type StatusMessage,
  StatusRequest,
  StatusResponse,
} from "./messages.ts";
import { sessionStream } from "./sessions.ts";
import { solveBuild } from "./solve-build.ts";
import { BUILDKIT_VERSION, workerRecord } from "./worker.ts";

const SERVING = 1;

export function controlHandlers(context: BuilderContext): GrpcHandlers {
  const { jobs, sessions } = context.buildkit;
  const control = "/moby.buildkit.v1.Control";
  return {
    ...bridgeHandlers(context),
    [`${control}/Solve`]: unary(SolveRequest, SolveResponse, (request, call) => solve(context, request, call)),
    [`${control}/Status`]: oneRequest(StatusRequest, async ({ ref }, call) => {
      const { job, ended } = await jobs.wait(ref, call.signal);
      await sendStatus(job, ended, call);
    }),
    [`${control}/Session`]: async (call) => {
      const session = sessions.add(call.metadata, sessionStream(call));
      await session.grpc.closed;
    },
    [`${control}/ListWorkers`]: unary(Empty, ListWorkersResponse, async () => ({ record: [workerRecord()] })),
    [`${control}/Info`]: unary(Empty, InfoResponse, async () => ({ buildkitVersion: BUILDKIT_VERSION })),
    [`${control}/DiskUsage`]: unary(Empty, Empty, async () => ({})),
    [`${control}/Prune`]: oneRequest(Empty, async () => undefined),
    [`${control}/ListenBuildHistory`]: oneRequest(Empty, async () => undefined),
    "/grpc.health.v1.Health/Check": unary(Empty, HealthCheckResponse, async () => ({ status: SERVING })),
  };
}

async function solve(
  context: BuilderContext,
  request: MessageOf<typeof SolveRequest>,
  { signal }: GrpcCall,
): Promise<MessageOf<typeof SolveResponse>> {
  const { jobs, sessions } = context.buildkit;
  if (request.frontend !== "" && request.frontend !== "dockerfile.v0")
    throw refused(`the frontend \`${request.frontend}\``);
  if ((request.definition?.def.length ?? 0) > 0) throw refused("LLB definitions");
  if (Object.keys(request.frontendInputs).length > 0) throw refused("inputs out of another build (bake targets)");
  // The machine's network is what every RUN has.
  const privileges = request.entitlements.filter((name) => name !== "network.host");
  if (privileges.length > 0) throw refused(`--allow ${privileges.join(", ")}`);
  const job = jobs.start(newJob(request, signal));
  try {
    if (request.frontend !== "") {
      const session = request.session === "" ? undefined : await sessions.wait(request.session, signal);
      job.result = solveBuild({ ...job, context, session, attributes: request.frontendAttrs });
    } else {
      await job.returned;
    }
    return { exporterResponse: { ...(await job.result)?.answer } };
  } finally {
    jobs.finish(job);
  }
}

function newJob(request: MessageOf<typeof SolveRequest>, signal: AbortSignal): NewJob {
  const { ref, session, cache, exporter, exporterAttrs, exporters } = request;
  const old = exporter === "" ? [] : [{ type: exporter, attrs: exporterAttrs }];
  return {
    ref,
    sessionId: session,
    exporters: exporters.length > 0 ? exporters : old,
    cacheImports: cache?.imports ?? [],
    cacheExports: cache?.exports ?? [],
    signal,
  };
}

/** Everything so far in one message, then what comes, until the build's end. */
async function sendStatus(job: Job, ended: Promise<void>, call: GrpcCall): Promise<void> {
  let pending: StatusMessage[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  const stop = job.status.listen((message) => {
    pending.push(message);
    wake();
  });
  const over = (): void => {
    isOver = true;
    wake();
  };
  call.signal.addEventListener("abort", over, { once: true });
  void ended.then(over);
  try {
    for (;;) {
      const batch = pending;
      pending = [];
      if (batch.length > 0) await call.send(StatusResponse.encode(joined(batch)));
      else if (isOver) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    stop();
    call.signal.removeEventListener("abort", over);
  }
}

const joined = (messages: readonly StatusMessage[]): StatusMessage => ({
  vertexes: messages.flatMap(({ vertexes }) => vertexes),
  statuses: messages.flatMap(({ statuses }) => statuses),
  logs: messages.flatMap(({ logs }) => logs),
  warnings: messages.flatMap(({ warnings }) => warnings),
});
