/**
 * A real `kiln start` and clients that mean it no good: bytes as they come over TCP, what is heard back, how much memory
 * the process has, and whether a well-behaved client is still answered.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { startProcess, temporaryFolder } from "../cli/kiln-process.ts";
import { type RawAnswer, rawRequest } from "./raw-request.ts";
import { signedHeaders } from "./sign.ts";

export interface Target {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resident memory in MiB; undefined where `/proc` is not. */
  residentMebibytes(): number | undefined;
  stop(): Promise<void>;
}

export async function startTarget(): Promise<Target> {
  const folder = temporaryFolder();
  const running = startProcess(folder.path, ["start", "--port", "0", "--output", "json", "--state-dir", folder.path]);
  await running.printed("}");
  const endpoint = JSON.parse(readFileSync(`${folder.path}/endpoint.json`, "utf8")) as { url: string };
  return {
    url: endpoint.url,
    port: Number(new URL(endpoint.url).port),
    pid: running.pid,
    residentMebibytes: () => residentMebibytes(running.pid),
    async stop() {
      running.kill("SIGTERM");
      await running.finished;
      folder.remove();
    },
  };
}

function residentMebibytes(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024);
  } catch {
    return undefined;
  }
}

const SSM = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameter" };

/** The head and body of a signed SSM request, as they go over the wire. */
export function signedText(url: string, body = '{"Name":"/none"}', headers: Record<string, string> = SSM): string {
  const signed = signedHeaders({ url, body, headers, service: "ssm", atMs: Date.now() });
  const lines = Object.entries({ ...signed, "content-length": String(Buffer.byteLength(body)) });
  return `POST / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}

/** Status and body of a signed call, which a target that lives answers. */
export async function isWell(target: Target): Promise<boolean> {
  const answer = await signedCall(target.url, '{"Name":"/none"}');
  return answer.status === 400 && answer.body === '{"__type":"ParameterNotFound"}';
}

export function signedCall(
  url: string,
  body: string,
  { headers = SSM, service = "ssm", method = "POST", path = "/" } = {} as {
    headers?: Record<string, string>;
    service?: string;
    method?: string;
    path?: string;
  },
): Promise<RawAnswer> {
  const signed = signedHeaders({ url, body, headers, service, method, path, atMs: Date.now() });
  return rawRequest(url, { method, path, headers: signed, body });
}

export interface Peer {
  readonly socket: Socket;
  /** All that was heard so far. */
  heard(): string;
  /** When the connection has ended, whoever ended it: all that was heard. */
  readonly ended: Promise<string>;
}

/** A connection that has been made. */
export function openPeer({ port }: Pick<Target, "port">, { allowHalfOpen = false } = {}): Promise<Peer> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen });
    socket.setEncoding("latin1");
    const ended = new Promise<string>((done) => void socket.once("close", () => done(text)));
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      // A reset is an end like another.
      socket.on("error", () => {});
      resolve({ socket, heard: () => text, ended });
    });
  });
}

/** All that is heard after these bytes, until the connection ends or nothing comes for a while after an answer. */
export async function say(target: Pick<Target, "port">, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const peer = await openPeer(target);
  for (const piece of pieces) peer.socket.write(piece);
  peer.socket.end();
  return peer.ended;
}

/** Status line of what was heard. */
export const statusOf = (heard: string): string => heard.split("\r\n", 1)[0] ?? "";
