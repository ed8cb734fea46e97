/** WORKDIR: the folder is made when it is not there. */

import type { Instruction } from "../../../dockerfile/instruction.ts";
import { expandWord } from "../../../dockerfile/words.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import { ownerOf } from "./copy-instruction.ts";
import { clean } from "./copy-sources.ts";
import { type Conversion, lookupIn, type PreparedStep, type StageState, type StepRun } from "./stage-state.ts";

export function convertWorkdir(state: StageState, { text, original }: Instruction): Conversion {
  const { scope } = state;
  const word = expandWord(text, lookupIn(state), scope.escape);
  const path = `/${clean(word.startsWith("/") ? word : `${state.config.WorkingDir ?? "/"}/${word}`)}`;
  // AWS: BuildKit makes the folder the user's of USER, the classic builder root's.
  const user = scope.request.style === "buildkit" ? (state.config.User ?? "") : "";
  state.config = { ...state.config, WorkingDir: path };
  const createdBy = `WORKDIR ${path}`;
  if (path === "/") return { createdBy };
  const title = `WORKDIR${expandWordOr(original, state).slice("WORKDIR".length)}`;
  return { createdBy, step: { title, prepare: async (run) => prepare(state, path, user, run) } };
}

const expandWordOr = (original: string, state: StageState): string =>
  expandWord(original, lookupIn(state), state.scope.escape);

function prepare(state: StageState, path: string, user: string, run: StepRun): PreparedStep {
  const { request, epochSeconds } = state.scope;
  const { store, style } = request;
  const make = async (): Promise<LayerRecord | undefined> => {
    const root = store.root(run.below);
    const { path: resolved, found } = await root.resolve(path);
    if (found?.stats.isDirectory() && style === "classic") return undefined;
    const owner = user === "" ? undefined : await ownerOf(root, user, style);
    return store.newLayer(
      run.below,
      async (writer) => {
        if (!found?.stats.isDirectory()) await writer.folder(resolved, owner);
        await writer.finish();
        return store.commit(run.below.at(-1), writer, epochSeconds);
      },
      run.nowSeconds,
    );
  };
  return { key: ["WORKDIR", path, user], make };
}
