/** The control API: a Kiln's clock, faults, keys and state in the hands of tests. See README.md. */
export { type Control, type ControlDependencies, createControl } from "./control.ts";
export { handleControl } from "./route.ts";
