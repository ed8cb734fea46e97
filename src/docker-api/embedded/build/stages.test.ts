import { describe, expect, it } from "vitest";
import { parseDockerfile } from "../../../dockerfile/dockerfile.ts";
import { baseImageNames, neededStages } from "./stages.ts";

const names = (text: string, args: Record<string, string> = {}, target = ""): string[] =>
  baseImageNames(parseDockerfile(text), target, args);

describe("images that a Dockerfile asks for", () => {
  it("are those of FROM and --from, without stages, numbers of stages and scratch", () => {
    const text = `FROM python:3.11-slim AS Build
COPY --from=tools:1 /a /a
FROM scratch
COPY --from=build /a /b
COPY --from=0 /a /c
RUN --mount=type=bind,from=cache:2,target=/x true
FROM build
`;
    expect(names(text)).toEqual(["python:3.11-slim", "tools:1", "cache:2"]);
  });

  it("have their ARGs filled in: build arguments before defaults", () => {
    const text =
      "ARG VERSION=3.10\nARG IMAGE=python:${VERSION}-slim\nFROM ${IMAGE}\nFROM --platform=$BUILDPLATFORM a:${X:-b}\n";
    expect(names(text)).toEqual(["python:3.10-slim", "a:b"]);
    expect(names(text, { VERSION: "3.11" })).toEqual(["python:3.11-slim", "a:b"]);
    expect(names(text, { IMAGE: "other" })).toEqual(["other", "a:b"]);
  });

  it("end with the target, and leave out what nobody gave a value", () => {
    expect(names("FROM a AS one\nFROM b AS two\nFROM c\n", {}, "two")).toEqual(["a", "b"]);
    expect(names("FROM ${NOTHING}\nFROM b\n")).toEqual(["b"]);
  });

  it("a stage is a stage only after its FROM", () => {
    expect(names("FROM later\nFROM b AS later\n")).toEqual(["later", "b"]);
  });

  it("stages that the target is not made of are not needed", () => {
    const dockerfile = parseDockerfile("FROM a AS one\nFROM b AS two\nFROM one\nCOPY --from=0 /x /x\n");
    expect(neededStages(dockerfile, "", {}).map(({ index }) => index)).toEqual([0, 2]);
    expect(() => neededStages(dockerfile, "none", {})).toThrow(
      'target stage "none" could not be found (did you mean one?)',
    );
    expect(() => neededStages(dockerfile, "none", {}, "classic")).toThrow(
      "failed to reach build target none in Dockerfile",
    );
    expect(neededStages(dockerfile, "two", {}, "classic").map(({ index }) => index)).toEqual([0, 1]);
  });
});
