import { expect, it } from "vitest";
import { curatedImage } from "../../../build/plan/index.ts";
import type { ListCuratedEnvironmentImagesOutput } from "../shapes.gen.ts";
import { imageOperations } from "./curated-images.ts";

it("lists images that plans and checks know, but for Windows", async () => {
  const [operation] = imageOperations;
  const output: ListCuratedEnvironmentImagesOutput | undefined = await operation?.run({} as never, {} as never);
  const names = (output?.platforms ?? []).flatMap(({ languages = [] }) =>
    languages.flatMap(({ images = [] }) => images.map(({ name = "" }) => name)),
  );
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter((name) => !curatedImage(name))).toEqual(["aws/codebuild/windows-base:2022-1.0"]);
});
