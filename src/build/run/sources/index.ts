/** Public face of build/run/sources: takes the sources of a build and finds its buildspec. */
export { type BuildspecLocation, type ReadBuildspec, readBuildspec } from "./buildspec-location.ts";
export { type TakenSources, takeSources } from "./take-sources.ts";
