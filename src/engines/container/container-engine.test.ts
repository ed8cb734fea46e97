/** The contract and what is the container engines' own, with a real Docker and a real Podman where there are any. */
import { engineContract } from "../contract.ts";
import { createContainerEngine } from "./container-engine.ts";

const engines = [
  ["docker", process.env["KILN_TEST_DOCKER_HOST"]],
  ["podman", process.env["KILN_TEST_PODMAN_HOST"]],
] as const;
for (const [kind, host] of engines) {
  if (!host) continue;
  engineContract(
    kind,
    () => createContainerEngine({ kind, graceMs: 200, machine: { ...process.env, DOCKER_HOST: host } }),
    { image: "bb" },
  );
}
