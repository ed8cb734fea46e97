/** Calls that never reach the engine: they would ask a real registry or change the machine for everybody. */

const REFUSED: readonly { readonly method: string; readonly path: RegExp; readonly why: string }[] = [
  { method: "GET", path: /^\/images\/search$/, why: "docker search would ask Docker Hub" },
  {
    method: "POST",
    path: /^\/plugins\/(?!.+\/(?:enable|disable)$)/,
    why: "engine plugins are the machine's, not a build's",
  },
  {
    method: "POST",
    path: /^\/(?:swarm|nodes|services|secrets|configs)\//,
    why: "swarm is the machine's, not a build's",
  },
];

/** One line that names what is refused, or undefined. */
export function refusedCall(method: string, path: string): string | undefined {
  const found = REFUSED.find((entry) => entry.method === method && entry.path.test(path));
  return found && `kiln refuses ${method} ${path} in a build: ${found.why}`;
}
