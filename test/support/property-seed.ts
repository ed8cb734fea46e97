/**
 * Property tests take other cases each time; in CI the same ones, so that a change fails by what it does. More are tried at a
 * desk: `KILN_PROPERTY_RUNS=5000 npx vitest run …`.
 */
if (process.env["CI"]) (await import("fast-check")).configureGlobal({ seed: 4 });

export {};
