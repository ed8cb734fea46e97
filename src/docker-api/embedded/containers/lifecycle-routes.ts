/** Start, stop, restart, kill, wait, resize, top of containers. */
import { execFile } from "node:child_process";
import { type ApiCall, ApiError, type ApiRoute, notDone, sendJson, sendNothing } from "../api.ts";
import { TOOL_PATH } from "../isolation.ts";
import { notRunning } from "./execs.ts";
import { requestedContainer } from "./requested-container.ts";

async function start(call: ApiCall): Promise<void> {
  const isNew = await call.context.containers.start(requestedContainer(call));
  sendNothing(call.response, isNew ? 204 : 304);
}

/** `t` of stop and restart, in seconds. */
function graceSeconds(query: URLSearchParams): number | undefined {
  const text = query.get("t") ?? "";
  if (text === "") return undefined;
  if (!/^-?\d+$/.test(text)) throw new ApiError(400, `strconv.Atoi: parsing "${text}": invalid syntax`);
  return Number(text);
}

const stopOptions = (query: URLSearchParams): { seconds: number | undefined; signal: string } => ({
  seconds: graceSeconds(query),
  signal: query.get("signal") ?? "",
});

async function stop(call: ApiCall): Promise<void> {
  const wasRunning = await call.context.containers.stop(requestedContainer(call), stopOptions(call.query));
  sendNothing(call.response, wasRunning ? 204 : 304);
}

async function restart(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  await call.context.containers.stop(container, stopOptions(call.query));
  await call.context.containers.start(container);
  sendNothing(call.response);
}

async function kill(call: ApiCall): Promise<void> {
  await call.context.containers.kill(requestedContainer(call), call.query.get("signal") ?? "");
  sendNothing(call.response);
}

async function wait(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  const condition = call.query.get("condition") || "not-running";
  if (!["not-running", "next-exit", "removed"].includes(condition))
    throw new ApiError(400, `invalid condition: "${condition}"`);
  const ended =
    condition === "removed"
      ? container.removal()
      : condition === "next-exit" || container.isRunning || container.starting !== undefined
        ? container.nextExit()
        : Promise.resolve(container.exitCode);
  // Headers first: `docker run` starts the container only once it has them.
  call.response.writeHead(200, { "content-type": "application/json" });
  call.response.flushHeaders();
  const exitCode = await Promise.race([ended, whenAborted(call.signal)]);
  if (exitCode !== undefined) call.response.write(`${JSON.stringify({ StatusCode: exitCode })}\n`);
  call.response.end();
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

async function resize(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  if (!container.isRunning) throw notRunning(container);
  const pid = call.context.containers.commandPid(container);
  if (container.spec.config.Tty && pid !== undefined) await setTerminalSize(pid, call.query);
  sendNothing(call.response, 200);
}

/** Of the terminal that is the standard input of a process. */
export async function setTerminalSize(pid: number, query: URLSearchParams): Promise<void> {
  const [rows, columns] = ["h", "w"].map((name) => {
    const text = query.get(name) ?? "";
    if (!/^\d{1,5}$/.test(text)) throw new ApiError(400, `strconv.Atoi: parsing "${text}": invalid syntax`);
    return text;
  }) as [string, string];
  // It may be over by now: a size is no reason to fail.
  await run("stty", ["-F", `/proc/${pid}/fd/0`, "rows", rows, "cols", columns]).catch(() => undefined);
}

async function top(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  if (!container.isRunning) throw notRunning(container);
  const args = (call.query.get("ps_args") || "-ef").split(/\s+/).filter((word) => word !== "");
  if (args.some((word) => !/^[-\w,=%:.]+$/.test(word))) throw new ApiError(400, "invalid ps arguments");
  const pids = new Set((await call.context.containers.processes(container)).map(String));
  const lines = (await run("ps", args)).split("\n").filter((line) => line.trim() !== "");
  const titles = (lines[0] ?? "").trim().split(/\s+/);
  const at = titles.indexOf("PID");
  if (at < 0) throw new ApiError(500, "Couldn't find PID field in ps output");
  const rows = lines.slice(1).map((line) => {
    const words = line.trim().split(/\s+/);
    return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(" ")];
  });
  sendJson(call.response, 200, { Titles: titles, Processes: rows.filter((row) => pids.has(row[at] ?? "")) });
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { env: { PATH: TOOL_PATH }, maxBuffer: 64 * 1024 * 1024 }, (error, out) => {
      if (error) reject(error);
      else resolve(out);
    });
  });
}

const refused = (what: string) => (call: ApiCall) => {
  requestedContainer(call);
  throw notDone(what);
};

export const lifecycleRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/containers\/([^/]+)\/start$/, handle: start },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/stop$/, handle: stop },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/restart$/, handle: restart },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/kill$/, handle: kill },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/wait$/, handle: wait },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/resize$/, handle: resize },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/top$/, handle: top },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/stats$/, handle: refused("`docker stats`") },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/update$/, handle: refused("`docker update`") },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/(?:un)?pause$/, handle: refused("`docker pause`") },
];
