/** Builds as BuildKit does them: steps told, config and history, stages, failures with their lines. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, BuildFixture } from "../../../../test/support/build-fixture.ts";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";

describe.skipIf((await staticBusybox()) === undefined)("a BuildKit build", () => {
  let at: BuildFixture;
  beforeAll(async () => {
    at = await BuildFixture.open();
    at.images.set("base", (await at.build(BASE)).image);
  });
  afterAll(() => at.close());

  it("tells its steps by BuildKit's names", async () => {
    const built = await at.build(
      "FROM base\nRUN echo one > /1\nCOPY a /a\nWORKDIR /w\n",
      { a: "a" },
      {
        exportNames: ["docker.io/me/app:1"],
      },
    );
    expect(built.names).toEqual([
      "[internal] load build definition from Dockerfile",
      "[internal] load metadata for docker.io/library/base:latest",
      "[internal] load .dockerignore",
      "[1/4] FROM docker.io/library/base:latest",
      "[2/4] RUN echo one > /1",
      "[internal] load build context",
      "[3/4] COPY a /a",
      "[4/4] WORKDIR /w",
      "exporting to image",
    ]);
    expect(built.statuses.slice(-3).map(({ id }) => id)).toEqual([
      "exporting layers",
      `writing image ${built.image.id}`,
      "naming to docker.io/me/app:1",
    ]);
  });

  it("names stages, pads numbers, shows variables filled in and says what an inline script starts with", async () => {
    const many = Array.from({ length: 9 }, (_, i) => `RUN echo ${i}`).join("\n");
    const built = await at.build(
      `FROM base AS build\nARG V=7\nRUN echo "$V" $UNSET > /v\nFROM base\n${many}\nCOPY --from=build /v /v\nRUN <<EOF\n\n  echo one\n  echo two\nEOF\n`,
    );
    expect(built.names).toContain('[build 2/2] RUN echo "7" $UNSET > /v');
    expect(built.names).toContain("[stage-1  2/12] RUN echo 0");
    expect(built.names).toContain("[stage-1 11/12] COPY --from=build /v /v");
    expect(built.names).toContain("[stage-1 12/12] RUN <<EOF (echo one...)");
  });

  it("warns of what breaks BuildKit's build checks, in stages that it builds", async () => {
    const text = "FROM base as One\nCMD $X\nFROM base AS two\nWORKDIR x\nFROM one\nCMD y\nUSER $Y\n";
    const shorts = [
      "StageNameCasing: Stage name 'One' should be lowercase (line 1)",
      "FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)",
      "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 2)",
      "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 6)",
      "UndefinedVar: Usage of undefined variable '$Y' (line 7)",
    ];
    expect((await at.build(text)).warnings).toEqual(shorts);
    expect((await at.build(`# check=skip=JSONArgsRecommended,UndefinedVar\n${text}`)).warnings).toHaveLength(2);
    expect((await at.build(text, {}, { style: "classic" })).warnings).toEqual([]);
    await expect(at.build(`# check=error=true\n${text}`)).rejects.toThrow(
      "lint violation found for rules: StageNameCasing, FromAsCasing, JSONArgsRecommended, UndefinedVar",
    );
  });

  it("keeps config and history as BuildKit's exporter writes them", async () => {
    const dockerfile = [
      "FROM base",
      "ARG FOO=bar",
      "ARG EMPTY",
      'LABEL a="b c" d=e',
      'ENV X=1 Y="two words"',
      "MAINTAINER me",
      "RUN true",
      "COPY --chown=app --chmod=640 a /a",
      "EXPOSE 80 53/udp",
      "VOLUME /v",
      "CMD echo hi",
      'ENTRYPOINT ["a","b"]',
      "STOPSIGNAL SIGINT",
      "HEALTHCHECK --interval=90s --start-interval=1s --retries=2 CMD true",
      'SHELL ["/bin/sh","-ec"]',
      "ONBUILD RUN true",
    ].join("\n");
    const { image } = await at.build(dockerfile, { a: "a" }, { labels: { given: "yes" } });
    expect(image.config).toMatchObject({
      author: "me",
      config: {
        ExposedPorts: { "53/udp": {}, "80/tcp": {} },
        Env: [expect.stringMatching(/^PATH=/), "X=1", "Y=two words"],
        Entrypoint: ["a", "b"],
        Cmd: ["/bin/sh", "-c", "echo hi"],
        Volumes: { "/v": {} },
        WorkingDir: "/",
        Labels: { a: "b c", d: "e", given: "yes" },
        StopSignal: "SIGINT",
        ArgsEscaped: true,
        Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 90e9, StartInterval: 1e9, Retries: 2 },
        OnBuild: ["RUN true"],
        Shell: ["/bin/sh", "-ec"],
      },
    });
    const own = image.config.history.slice(3);
    expect(own.map(({ created_by }) => created_by)).toEqual([
      "ARG FOO=bar",
      "ARG EMPTY",
      "LABEL a=b c d=e",
      "ENV X=1 Y=two words",
      "MAINTAINER me",
      "RUN |2 FOO=bar EMPTY= /bin/sh -c true # buildkit",
      "COPY --chown=app --chmod=640 a /a # buildkit",
      "EXPOSE map[53/udp:{} 80/tcp:{}]",
      "VOLUME [/v]",
      'CMD ["/bin/sh" "-c" "echo hi"]',
      'ENTRYPOINT ["a" "b"]',
      "STOPSIGNAL SIGINT",
      'HEALTHCHECK &{["CMD-SHELL" "true"] "1m30s" "0s" "0s" "1s" \'\\x02\'}',
      "SHELL [/bin/sh -ec]",
    ]);
    expect(own.every(({ comment }) => comment === "buildkit.dockerfile.v0")).toBe(true);
    expect(own.filter(({ empty_layer }) => !empty_layer)).toHaveLength(2);
    // Metadata has the time of the first new layer, or of the layer before.
    expect(own[0]?.created).toBe(own[5]?.created);
    expect(own.at(-1)?.created).toBe(own[6]?.created);
  });

  it("runs independent stages at the same time and leaves out what the target is not made of", async () => {
    const built = await at.build(
      "FROM base AS one\nRUN sleep 2; echo 1 > /1\nFROM base AS two\nRUN sleep 2; echo 2 > /2\nFROM base AS unused\nRUN exit 9\nFROM base\nCOPY --from=one /1 /1\nCOPY --from=two /2 /2\n",
    );
    expect(built.mostAtOnce).toBeGreaterThanOrEqual(2);
    expect(built.names.some((name) => name.includes("unused"))).toBe(false);
    expect([await built.file("/1"), await built.file("/2")]).toEqual(["1\n", "2\n"]);
  });

  it("runs the triggers of its base, from an image and from a stage", async () => {
    const parent = await at.build("FROM base\nONBUILD RUN echo triggered > /t\nONBUILD ENV FROM_TRIGGER=1\n");
    at.images.set("parent", parent.image);
    const child = await at.build("FROM parent\nRUN cat /t > /seen\n");
    expect(child.names).toContain("[2/3] ONBUILD RUN echo triggered > /t");
    expect(await child.file("/seen")).toBe("triggered\n");
    expect(child.image.config.config.OnBuild).toBeUndefined();
    const stages = await at.build("FROM base AS a\nONBUILD RUN echo stage > /s\nFROM a\n");
    expect(await stages.file("/s")).toBe("stage\n");
  });

  it("stops the other stages when one fails, and tells which step it was and its lines", async () => {
    const error = await at.failure(
      "FROM base AS slow\nRUN sleep 600\nFROM base\nRUN true && \\\n  exit 7\nCOPY --from=slow / /s\n",
      {},
    );
    expect(error.message).toBe('process "/bin/sh -c true &&   exit 7" did not complete successfully: exit code: 7');
    expect(error.exitCode).toBe(1);
  });

  it("gives a failure the lines of its instruction", async () => {
    const error = await at.failure("FROM base\n\nRUN true && \\\n  exit 7\n");
    expect(error).toMatchObject({ source: { file: "Dockerfile", startLine: 3, endLine: 4 } });
    expect(error.vertex).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it("reads the whole Dockerfile before anything runs", async () => {
    const error = await at.failure("FROM base\nRUN echo ran\nENV A=${b:?needed}\n");
    expect(error.message).toBe('failed to process "${b:?needed}": b: needed');
    expect(error.source).toMatchObject({ startLine: 3 });
  });

  it.each([
    [
      "FROM base\nCOPY missing /x",
      /^failed to compute cache key: failed to calculate checksum of ref \w+::\w+: "\/missing": not found$/,
    ],
    ["FROM base\nCOPY ../x /x", /"\/x": not found$/],
    ["FROM base\nCOPY a /etc/passwd/x", "mkdir /var/lib/docker/overlay2/kiln/merged/etc/passwd: not a directory"],
    ["FROM base\nCOPY d /etc/passwd", "cannot copy to non-directory: /var/lib/docker/overlay2/kiln/merged/etc/passwd"],
    ["FROM base\nCOPY a /etc/\nCOPY d/f /etc\nCOPY --from=9 /a /b", "invalid stage index 9"],
    [
      "FROM base AS a\nCOPY --from=b /x /y\nFROM base AS b\nFROM a",
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
    ],
    [
      "FROM base\nCOPY --from=$X /x /y",
      "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
    ],
    [
      "FROM base\nCOPY --chmod=xyz a /x",
      "invalid chmod parameter: 'xyz'. it should be octal string and between 0 and 07777",
    ],
    [
      "FROM base\nUSER nobody2\nRUN true",
      'process "/bin/sh -c true" did not complete successfully: unable to find user nobody2: no matching entries in passwd file',
    ],
    ['FROM base\nRUN ["/nope"]', 'process "/nope" did not complete successfully: exit code: 1'],
    [
      'FROM base\nRUN printf x > /x && chmod +x /x\nRUN ["/x"]',
      'process "/x" did not complete successfully: exit code: 255',
    ],
    ["FROM base\nEXPOSE abc", "invalid containerPort: abc"],
    ["FROM base\nSTOPSIGNAL NOPE", "invalid signal: NOPE"],
    ["FROM --platform=linux/s390x base", /builds for linux\/\w+ only, not for linux\/s390x$/],
    ["FROM $NOTHING", "base name ($NOTHING) should not be blank"],
    ["FROM nowhere", "nowhere: not found"],
  ])("says as BuildKit what is wrong: %j", async (dockerfile, message) => {
    const error = await at.failure(dockerfile, { a: "a", "d/f": "f" });
    if (typeof message === "string") expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  it("says when the Dockerfile is not there", async () => {
    const dir = await at.context({});
    const error = await at.failure("", {}, { context: { dir }, dockerfile: { dir, name: "docker/Dockerfile" } });
    expect(error.message).toBe("failed to read dockerfile: open docker/Dockerfile: no such file or directory");
  });

  it("remarks on build arguments that nobody took", async () => {
    const { remarks } = await at.build(
      "FROM base\nARG USED\n",
      {},
      { buildArgs: { USED: "1", TYPO: "2", HTTP_PROXY: "x" } },
    );
    expect(remarks).toEqual(["[Warning] One or more build-args [TYPO] were not consumed\n"]);
  });
});
