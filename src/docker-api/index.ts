/** Public face of docker-api/: the Docker socket of a build. */
export type { DockerSocket, DockerSocketRequest } from "./docker-api.ts";
export { openDockerSocket } from "./open-docker-socket.ts";
export { reclaimDocker } from "./proxy/remove-left.ts";
