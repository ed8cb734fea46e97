/** Runtimes to choose from: those of the project's image where it is one of CodeBuild's, else of every maintained one. */
import { curatedImage, maintainedRuntimes } from "../build/plan/index.ts";
import type { Analysis } from "./buildspecs.ts";

export const runtimesFor = ({ knowledge }: Pick<Analysis, "knowledge">): Readonly<Record<string, readonly string[]>> =>
  curatedImage(knowledge.project?.image)?.runtimes ?? maintainedRuntimes;
