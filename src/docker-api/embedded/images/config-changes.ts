/**
 * Dockerfile instructions that `docker commit --change` and `docker import --change` put into an image's config.
 * Source: https://docs.docker.com/reference/cli/docker/container/commit/ (`--change`)
 */
import type { RunConfig } from "../../../images/image.ts";
import { ApiError } from "../api.ts";

/** Throws docker's answer for an instruction that cannot be a change. */
export function applyChanges(config: RunConfig, lines: readonly string[]): RunConfig {
  return lines
    .flatMap((line) => line.split("\n"))
    .filter((line) => line.trim() !== "")
    .reduce(applyChange, config);
}

function applyChange(config: RunConfig, line: string): RunConfig {
  const [, keyword = "", text = ""] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(line) ?? [];
  switch (keyword.toUpperCase()) {
    case "CMD":
      return { ...config, Cmd: commandOf(text) };
    case "ENTRYPOINT":
      return { ...config, Entrypoint: commandOf(text) };
    case "ENV": {
      const pairs = pairsOf(text);
      const kept = (config.Env ?? []).filter((entry) => !pairs.some(([name]) => entry.startsWith(`${name}=`)));
      return { ...config, Env: [...kept, ...pairs.map(([name, value]) => `${name}=${value}`)] };
    }
    case "LABEL":
      return { ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairsOf(text)) } };
    case "EXPOSE": {
      const ports = wordsOf(text).map((port): [string, Record<string, never>] => [
        /\//.test(port) ? port : `${port}/tcp`,
        {},
      ]);
      return { ...config, ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(ports) } };
    }
    case "VOLUME": {
      const paths = (jsonWords(text) ?? wordsOf(text)).map((path): [string, Record<string, never>] => [path, {}]);
      return { ...config, Volumes: { ...config.Volumes, ...Object.fromEntries(paths) } };
    }
    case "USER":
      return { ...config, User: text };
    case "WORKDIR":
      return { ...config, WorkingDir: text.startsWith("/") ? text : `${config.WorkingDir ?? ""}/${text}` };
    case "STOPSIGNAL":
      return { ...config, StopSignal: text };
    case "ONBUILD":
      return { ...config, OnBuild: [...(config.OnBuild ?? []), text] };
    default:
      throw new ApiError(400, `${keyword.toLowerCase()} is not a valid change command`);
  }
}

const commandOf = (text: string): string[] => jsonWords(text) ?? ["/bin/sh", "-c", text];

function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return Array.isArray(value) && value.every((word) => typeof word === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Words by blanks; quotes and backslashes keep them together. */
function wordsOf(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double !== undefined ? double.replace(/\\(["\\$])/g, "$1") : (single ?? escaped ?? ""),
    ),
  );
}

/** `NAME=value …`, or the older `NAME value`. */
function pairsOf(text: string): [string, string][] {
  const words = wordsOf(text);
  if (words[0]?.includes("=")) {
    return words.map((word) => {
      const at = word.indexOf("=");
      if (at < 0) throw new ApiError(400, `Syntax error - can't find = in "${word}". Must be of the form: name=value`);
      return [word.slice(0, at), word.slice(at + 1)];
    });
  }
  const [, name, value] = /^(\S+)\s+([\s\S]+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new ApiError(400, "ENV must have two arguments");
  return [[name, value]];
}
