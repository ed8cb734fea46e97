import { mkdtempSync } from "node:fs";
import { it } from "vitest";
import { createContainerEngine } from "./container-engine.ts";
it("x", async () => {
  for (const [kind, host] of [["docker", "unix:///tmp/bx/docker.sock"], ["podman", "unix:///tmp/bx/pod/podman.sock"]] as const) {
  const e = createContainerEngine({ kind, machine: { ...process.env, DOCKER_HOST: host } });
  const w = mkdtempSync("/tmp/bx/w-");
  let t = performance.now();
  const env = await e.open({ buildId: "x", image: "bb", workDir: w, variables: { A: "1" }, pathPrefix: [] }, AbortSignal.timeout(20000));
  console.log(kind, "open", performance.now() - t);
  const times: number[] = [];
  for (let i = 0; i < 60; i++) { t = performance.now(); await env.run({ shell: "sh", script: "true\n", scriptPath: "/codebuild/output/tmp/script.sh", workingDirectory: "/codebuild/readonly", onOutput: () => {}, signal: AbortSignal.timeout(20000) }); times.push(performance.now() - t); }
  times.sort((a, b) => a - b); console.log(kind, "command p50", times[30], "p90", times[54]);
  let bytes = 0; t = performance.now();
  await env.run({ shell: "sh", script: "head -c 300000000 /dev/zero\n", scriptPath: "/codebuild/output/tmp/script.sh", workingDirectory: "/codebuild/readonly", onOutput: (c) => { bytes += c.length; }, signal: AbortSignal.timeout(20000) });
  console.log(kind, "MB/s zero", bytes / 1e3 / (performance.now() - t)); bytes = 0; t = performance.now();
  await env.run({ shell: "sh", script: "yes 0123456789012345678901234567890123456789 | head -c 300000000\n", scriptPath: "/codebuild/output/tmp/script.sh", workingDirectory: "/codebuild/readonly", onOutput: (c) => { bytes += c.length; }, signal: AbortSignal.timeout(20000) });
  console.log(kind, "MB/s text", bytes / 1e3 / (performance.now() - t));
  t = performance.now(); await env.close(); console.log(kind, "close", performance.now() - t);
  }
}, 60000);
