/** `endpoint.json` in the state folder: which process serves it, and where. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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

const path = (stateDir: string): string => join(stateDir, "endpoint.json");

/** The endpoint that runs on this state folder; a file left by a killed process counts as none. */
export function findEndpoint(stateDir: string): EndpointFile | undefined {
  try {
    const file = JSON.parse(readFileSync(path(stateDir), "utf8")) as EndpointFile;
    return isAlive(file.pid) ? file : undefined;
  } catch {
    return undefined;
  }
}

export function writeEndpoint(stateDir: string, file: EndpointFile): void {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(`${path(stateDir)}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  renameSync(`${path(stateDir)}.new`, path(stateDir));
}

export const removeEndpoint = (stateDir: string): void => rmSync(path(stateDir), { force: true });

/** A process that exists, also one of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
