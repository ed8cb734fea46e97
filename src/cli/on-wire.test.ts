import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { onWire, TIME_MEMBERS } from "./on-wire.ts";

interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
}

describe("answers of CodeBuild as JSON", () => {
  it("have their times in seconds, wherever they are, and all else as it is", () => {
    const build = {
      id: "p:1",
      startTime: 1_700_000_000_123,
      timeoutInMinutes: 60,
      phases: [{ phaseType: "BUILD", startTime: 1_700_000_001_000, durationInSeconds: 2 }],
      environment: { environmentVariables: [{ name: "startTime", value: "1700000000123" }] },
    };
    expect(onWire({ builds: [build] })).toEqual({
      builds: [{ ...build, startTime: 1_700_000_000.123, phases: [{ ...build.phases[0], startTime: 1_700_000_001 }] }],
    });
    expect(onWire(undefined)).toBeUndefined();
  });

  it("know every time of CodeBuild's model by a name that nothing else has", () => {
    const model = new URL("../../data/models/codebuild.json", import.meta.url);
    const { shapes } = JSON.parse(readFileSync(model, "utf8")) as { shapes: Record<string, Shape> };
    const members = Object.values(shapes).flatMap((shape) => Object.entries(shape.members ?? {}));
    const isTime = ({ shape }: { readonly shape: string }): boolean => shapes[shape]?.type === "timestamp";
    const times = new Set(members.flatMap(([name, member]) => (isTime(member) ? [name] : [])));
    expect([...times].sort()).toEqual([...TIME_MEMBERS]);
    expect(members.filter(([name, member]) => times.has(name) && !isTime(member))).toEqual([]);
  });
});
