/** `endpoint.json` in the state folder: which process serves it, and where. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, markOf, type ProcessMark } from "../core/process-mark.ts";

export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 4566;
export const DEFAULT_URL = `http://${DEFAULT_HOST}:${DEFAULT_PORT}`;

export interface EndpointFile {
  readonly pid: number;
  readonly url: string;
  readonly region: string;
  readonly accountId: string;
  readonly startedMs: number;
}

type Started = Pick<ProcessMark, "started">;

const path = (stateDir: string): string => join(stateDir, "endpoint.json");

/** The endpoint that runs on this state folder; a file left by a killed process counts as none. */
export function findEndpoint(stateDir: string): EndpointFile | undefined {
  try {
    // With the time of its start, which files of older Kilns lack: the number of a killed process may be another program's.
    const { started = "", ...file } = JSON.parse(readFileSync(path(stateDir), "utf8")) as Partial<Started> &
      EndpointFile;
    return isAlive({ pid: file.pid, started }) ? file : undefined;
  } catch {
    return undefined;
  }
}

export function writeEndpoint(stateDir: string, file: EndpointFile): void {
  mkdirSync(stateDir, { recursive: true });
  const text = JSON.stringify({ ...file, ...markOf(file.pid) } satisfies EndpointFile & Partial<Started>);
  writeFileSync(`${path(stateDir)}.new`, `${text}\n`, { mode: 0o600 });
  renameSync(`${path(stateDir)}.new`, path(stateDir));
}

export const removeEndpoint = (stateDir: string): void => rmSync(path(stateDir), { force: true });
