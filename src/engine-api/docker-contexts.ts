/**
 * The context that the docker CLI would use: its name, and where its engine answers.
 * Layout: `~/.docker/config.json` (`currentContext`), `contexts/meta/<sha256 of the name>/meta.json`, TLS files beside it in
 * `contexts/tls/…/docker`. Source: https://docs.docker.com/engine/manage-resources/contexts/
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { err, type Result } from "../core/result.ts";
import { type EngineAddress, parseEngineAddress, readTlsFolder } from "./engine-address.ts";

interface ContextMetadata {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

/** Undefined where none is chosen, or the default one. */
export function currentContext(
  environment: NodeJS.ProcessEnv,
): { readonly name: string; readonly address: Result<EngineAddress, string> } | undefined {
  const folder = environment["DOCKER_CONFIG"] || join(environment["HOME"] || homedir(), ".docker");
  const config = readJson<{ currentContext?: string }>(join(folder, "config.json"));
  const name = environment["DOCKER_CONTEXT"] || config?.currentContext || "default";
  if (name === "default") return undefined;
  const hash = createHash("sha256").update(name).digest("hex");
  const endpoint = readJson<ContextMetadata>(join(folder, "contexts/meta", hash, "meta.json"))?.Endpoints?.docker;
  if (endpoint?.Host === undefined) return { name, address: err("there is no such context") };
  const tlsFolder = join(folder, "contexts/tls", hash, "docker");
  const tls = existsSync(tlsFolder) ? readTlsFolder(tlsFolder, endpoint.SkipTLSVerify !== true) : undefined;
  return { name, address: parseEngineAddress(endpoint.Host, tls) };
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch {
    return undefined;
  }
}
