/**
 * Bodies of calls as the engine reads them: it takes a member's name in any case (encoding/json of Go), so a body in which
 * the policy's names are written in another way says something else to the engine than to the policy.
 */

/** Names the policy looks at, on the way to them included. */
const LOOKED_AT = [
  ...["Labels", "HostConfig", "Binds", "Mounts", "Type", "Source", "VolumeOptions", "DriverConfig", "Options"],
  ...["Privileged", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode", "NetworkMode", "CapAdd", "Devices"],
  ...["DeviceCgroupRules", "DeviceRequests", "SecurityOpt", "MaskedPaths", "ReadonlyPaths", "RestartPolicy", "Name"],
  ...["VolumesFrom", "DriverOpts"],
];
/** Members that are maps: their names are the user's. */
const MAPS = new Set(["Labels", "Options", "DriverOpts", "EndpointsConfig", "Sysctls", "Annotations", "PortBindings"]);

/** As Go folds letters: the long s and the Kelvin sign included. */
const fold = (name: string): string => name.toUpperCase().toLowerCase();

const byFolded = new Map(LOOKED_AT.map((name) => [fold(name), name]));

/** Reads a body; throws for no JSON object and for a name that only the engine would know. */
export function readExactJson<Body extends object>(bytes: Buffer): Body {
  const body: unknown = JSON.parse(bytes.toString("utf8") || "{}");
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Error("the body is no JSON object");
  requireExact(body);
  return body as Body;
}

function requireExact(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) requireExact(item);
  else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      const known = byFolded.get(fold(name));
      if (known !== undefined && known !== name)
        throw new Error(`kiln takes the member \`${known}\` in this spelling only, not \`${name}\``);
      if (!MAPS.has(name)) requireExact(member);
    }
  }
}
