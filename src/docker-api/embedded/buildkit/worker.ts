/** What BuildKit clients are told of the builder itself. */
import { imageArchitecture } from "../../../images/image.ts";
import type { ListWorkersResponse, MessageOf } from "./messages.ts";

/** The BuildKit whose services these are, as far as they go; clients choose what to ask by it. */
export const BUILDKIT_VERSION = { package: "kiln", version: "v0.13.0-kiln", revision: "" };

/** What `docker buildx inspect` shows of the builder. */
export const workerRecord = (): MessageOf<typeof ListWorkersResponse>["record"][number] => ({
  id: "kiln",
  // RUN shares this machine's network, so the host is the loopback address.
  labels: {
    "org.mobyproject.buildkit.worker.executor": "kiln",
    "org.mobyproject.buildkit.worker.moby.host-gateway-ip": "127.0.0.1",
  },
  platforms: [{ os: "linux", architecture: imageArchitecture(), variant: "" }],
  buildkitVersion: BUILDKIT_VERSION,
});
