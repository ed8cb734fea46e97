import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sshArguments } from "./connect-engine.ts";
import { currentContext } from "./docker-contexts.ts";
import { formatEngineAddress, isLocalAddress, parseEngineAddress } from "./engine-address.ts";

describe("an engine's address", () => {
  const tls = { verifies: true };

  it.each([
    ["unix:///var/run/docker.sock", { kind: "unix", socketPath: "/var/run/docker.sock" }],
    ["tcp://10.0.0.1", { kind: "tcp", host: "10.0.0.1", port: 2375 }],
    ["tcp://build.example.com:1234", { kind: "tcp", host: "build.example.com", port: 1234 }],
    ["tcp://[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
    ["http://build.example.com:80/", { kind: "tcp", host: "build.example.com", port: 80 }],
    ["https://build.example.com", { kind: "tcp", host: "build.example.com", port: 2376, tls }],
    ["ssh://me@build.example.com:22", { kind: "ssh", host: "build.example.com", user: "me", port: 22 }],
    ["ssh://build/run/docker.sock", { kind: "ssh", host: "build", socketPath: "/run/docker.sock" }],
  ])("%s is read", (text, expected) => {
    expect(parseEngineAddress(text)).toEqual({ ok: true, value: expected });
  });

  it("has the port of TLS where that is asked for", () => {
    expect(parseEngineAddress("tcp://a", tls)).toEqual({
      ok: true,
      value: { kind: "tcp", host: "a", port: 2376, tls },
    });
  });

  it.each([
    ["unix://docker.sock", "the path after `unix://` is not absolute"],
    ["npipe:////./pipe/docker_engine", "expected `unix://`, `tcp://` or `ssh://`"],
    ["/var/run/docker.sock", "expected `unix://`, `tcp://` or `ssh://`"],
    ["ssh://-oProxyCommand=x", "it names no host"],
    ["ssh://me:secret@host", "only a user's name can stand before the host"],
    ["tcp://", "it is no address"],
  ])("%s is refused", (text, reason) => {
    expect(parseEngineAddress(text)).toEqual({ ok: false, error: reason });
  });

  it("is shown as it is written, and known to be this machine's", () => {
    for (const text of ["tcp://[::1]:80", "ssh://me@build:22/run/docker.sock", "tcp://127.0.0.1:5"]) {
      const parsed = parseEngineAddress(text);
      expect(parsed.ok && formatEngineAddress(parsed.value)).toBe(text);
      expect(parsed.ok && isLocalAddress(parsed.value)).toBe(text.startsWith("tcp"));
    }
  });

  it("is reached by ssh without a question to anybody", () => {
    expect(sshArguments({ kind: "ssh", host: "build", user: "me", port: 2222, socketPath: "/run/d.sock" })).toEqual([
      ...["-l", "me", "-p", "2222", "-o", "ConnectTimeout=20", "-o", "BatchMode=yes", "-T", "--", "build", "docker"],
      ...["--host", "unix:///run/d.sock", "system", "dial-stdio"],
    ]);
  });
});

describe("the docker CLI's context", () => {
  let home = "";
  const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ HOME: home, ...more });
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "kiln-contexts-"));
    const hash = createHash("sha256").update("far").digest("hex");
    const folder = join(home, ".docker/contexts");
    await mkdir(join(folder, "meta", hash), { recursive: true });
    await mkdir(join(folder, "tls", hash, "docker"), { recursive: true });
    const meta = { Name: "far", Endpoints: { docker: { Host: "tcp://far:2376", SkipTLSVerify: true } } };
    await writeFile(join(folder, "meta", hash, "meta.json"), JSON.stringify(meta));
    await writeFile(join(folder, "tls", hash, "docker/ca.pem"), "CA");
    await writeFile(join(home, ".docker/config.json"), JSON.stringify({ currentContext: "far" }));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it("is the chosen one, with its TLS files", () => {
    expect(currentContext(environment())).toEqual({
      name: "far",
      address: { ok: true, value: { kind: "tcp", host: "far", port: 2376, tls: { verifies: false, ca: "CA" } } },
    });
  });

  it("is the one that DOCKER_CONTEXT names, none for `default`, and said where it is not there", () => {
    expect(currentContext(environment({ DOCKER_CONTEXT: "default" }))).toBeUndefined();
    expect(currentContext(environment({ DOCKER_CONTEXT: "gone" }))).toEqual({
      name: "gone",
      address: { ok: false, error: "there is no such context" },
    });
  });
});
