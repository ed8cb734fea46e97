/** Public face of dockerfile/: text to instructions and stages, words with variables, `.dockerignore`. */
export { type Dockerfile, parseDockerfile, readDockerfile, type Stage } from "./dockerfile.ts";
export { globMatcher, type IgnoreRules, parseIgnoreFile } from "./ignore-file.ts";
export { DockerfileError, type Instruction } from "./instruction.ts";
export { expandWord, splitWords } from "./words.ts";
