/** The engines `docker` and `podman`. See README.md. */
export { type ContainerEngineOptions, createContainerEngine } from "./container-engine.ts";
