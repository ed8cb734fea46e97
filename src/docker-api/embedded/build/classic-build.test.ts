/** Builds as the classic builder does them: its lines, history, order, and where it differs from BuildKit. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, BuildFixture, type Built } from "../../../../test/support/build-fixture.ts";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";
import { classicProgress } from "./classic-progress.ts";

const classic = { style: "classic" } as const;

describe.skipIf((await staticBusybox()) === undefined)("a classic build", () => {
  let at: BuildFixture;
  beforeAll(async () => {
    at = await BuildFixture.open();
    at.images.set("base", (await at.build(BASE, {}, classic)).image);
  });
  afterAll(() => at.close());

  const createdBy = ({ image }: Built): string[] =>
    image.config.history.slice(3).map(({ created_by, empty_layer }) => `${empty_layer ? "-" : "+"} ${created_by}`);

  it("prints each step, what runs, what is cached and the image after it", async () => {
    const dockerfile = "ARG V=1\nFROM base\nLABEL a=b\nCOPY a /a\nRUN cat /a\n";
    const lines = async (): Promise<string> => {
      let text = "";
      const context = { dir: await at.context({ a: "hello\n", Dockerfile: dockerfile }) };
      const reporter = classicProgress((part) => {
        text += part;
      });
      await at.build(dockerfile, {}, { ...classic, context }, reporter);
      return text;
    };
    const id = "[0-9a-f]{12}";
    expect(await lines()).toMatch(
      new RegExp(
        `^Step 1/5 : ARG V=1\nStep 2/5 : FROM base\n ---> ${id}\nStep 3/5 : LABEL a=b\n ---> Running in ${id}\n ---> Removed intermediate container ${id}\n ---> ${id}\nStep 4/5 : COPY a /a\n ---> ${id}\nStep 5/5 : RUN cat /a\n ---> Running in ${id}\nhello\n ---> Removed intermediate container ${id}\n ---> ${id}\nSuccessfully built ${id}\n$`,
      ),
    );
    expect(await lines()).toMatch(
      new RegExp(
        `Step 3/5 : LABEL a=b\n ---> Using cache\n ---> ${id}\nStep 4/5 : COPY a /a\n ---> Using cache\n ---> ${id}\nStep 5/5 : RUN cat /a\n ---> Using cache\n ---> ${id}\nSuccessfully built ${id}\n$`,
      ),
    );
  });

  it("keeps history as the classic builder writes it, with labels given as steps", async () => {
    const built = await at.build(
      'FROM base\nARG B=2\nARG A=1\nARG EMPTY\nENV X="two words"\nMAINTAINER me\nRUN true\nRUN echo $A > /a\nCOPY --chown=app a b /d/\nWORKDIR /d\nEXPOSE 80 53/udp\nCMD echo hi\nSHELL ["/bin/sh","-ec"]\nONBUILD RUN true\n',
      { a: "a", b: "b" },
      { ...classic, labels: { z: "1", given: "yes" } },
    );
    expect(createdBy(built).map((text) => text.replace(/[0-9a-f]{64}/, "HASH"))).toEqual([
      "- /bin/sh -c #(nop)  ARG B=2",
      "- /bin/sh -c #(nop)  ARG A=1",
      "- /bin/sh -c #(nop)  ARG EMPTY",
      "- /bin/sh -c #(nop)  ENV X=two words",
      "- /bin/sh -c #(nop)  MAINTAINER me",
      "- |2 A=1 B=2 /bin/sh -c true",
      "+ |2 A=1 B=2 /bin/sh -c echo $A > /a",
      "+ /bin/sh -c #(nop) COPY --chown=appmulti:HASH in /d/ ",
      "- /bin/sh -c #(nop) WORKDIR /d",
      "- /bin/sh -c #(nop)  EXPOSE 53/udp 80",
      '- /bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "echo hi"]',
      "- /bin/sh -ec #(nop)  SHELL [/bin/sh -ec]",
      "- /bin/sh -ec #(nop)  ONBUILD RUN true",
      "- /bin/sh -ec #(nop)  LABEL given=yes",
      "- /bin/sh -ec #(nop)  LABEL z=1",
    ]);
    expect(built.image.config.history.at(-1)?.author).toBe("me");
  });

  it("builds every stage up to the target", async () => {
    const error = await at.failure("FROM base AS unused\nRUN exit 9\nFROM base\n", {}, classic);
    expect([error.message, error.exitCode]).toEqual(["The command '/bin/sh -c exit 9' returned a non-zero code: 9", 9]);
  });

  it("gives a command its volumes and takes away what is in them, drops set-id bits, and prefers ENV to ARG", async () => {
    const built = await at.build(
      "FROM base\nENV V=env\nARG V=arg\nVOLUME /vol\nRUN echo $V > /seen; echo lost > /vol/x\nCOPY tool /tool\n",
      { tool: { text: "t", mode: 0o4755 } },
      classic,
    );
    expect(await built.file("/seen")).toBe("env\n");
    expect(await built.meta("/vol")).toBe("755 0:0");
    expect(await built.file("/vol/x")).toBeUndefined();
    expect(await built.meta("/tool")).toBe("755 0:0");
  });

  it.each([
    [
      "FROM base\nCOPY missing /x",
      "COPY failed: file not found in build context or excluded by .dockerignore: stat missing: file does not exist",
    ],
    ["FROM base\nCOPY ../x /x", "COPY failed: forbidden path outside the build context: ../x ()"],
    ["FROM base\nCOPY none* /x", "COPY failed: no source files were specified"],
    [
      "FROM base\nCOPY a b /x",
      "When using COPY with more than one source file, the destination must be a directory and end with a /",
    ],
    [
      "FROM base\nCOPY --chown=stranger a /x",
      "unable to convert uid/gid chown string to host mapping: can't find uid for user stranger: no such user: stranger",
    ],
    ["FROM base\nCOPY --from=5 /a /b", "invalid from flag value 5: index out of bounds"],
    ["FROM base\nUSER stranger\nRUN true", "unable to find user stranger: no matching entries in passwd file"],
    ["FROM base\nENV A", "failed to parse Dockerfile: ENV must have two arguments"],
    ["", "the Dockerfile (Dockerfile) cannot be empty"],
    ["ARG A", "no build stage in current context"],
  ])("says as the classic builder what is wrong: %j", async (dockerfile, message) => {
    expect((await at.failure(dockerfile, { a: "a", b: "b" }, classic)).message).toBe(message);
  });

  it.each(["classic", "buildkit"] as const)(
    "stops where docker does when an image gets too many layers: %s",
    async (style) => {
      // The base has layers of its own.
      const base = at.images.get("base")?.layers.length ?? 0;
      const copies = (count: number): string => `FROM base\n${"COPY a /\n".repeat(count)}`;
      const files = { a: "a" };
      expect((await at.build(copies(125 - base), files, { style })).image.layers).toHaveLength(125);
      expect((await at.failure(copies(126 - base), files, { style })).message).toContain("max depth exceeded");
    },
  );
});
