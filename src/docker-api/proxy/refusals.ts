/** Calls that never reach the engine: they would ask a real registry or change the machine for everybody. */

const REFUSED: readonly { readonly methods: RegExp; readonly path: RegExp; readonly why: string }[] = [
  { methods: /^GET$/, path: /^\/images\/search$/, why: "docker search would ask Docker Hub" },
  { methods: /^(?!GET|HEAD)/, path: /^\/plugins\//, why: "engine plugins are the machine's, not a build's" },
  {
    methods: /^(?!GET|HEAD)/,
    path: /^\/(?:swarm|nodes|services|secrets|configs)(?:\/|$)/,
    why: "swarm is the machine's, not a build's",
  },
  { methods: /^/, path: /^\/libpod(?:\/|$)/, why: "a build has docker's API, not Podman's own" },
];

/** One line that names what is refused, or undefined. */
export function refusedCall(method: string, path: string): string | undefined {
  const found = REFUSED.find((entry) => entry.methods.test(method) && entry.path.test(path));
  return found && `kiln refuses ${method} ${path} in a build: ${found.why}`;
}
