/**
 * An instruction to what it means for its stage: a change of config and variables, a history entry, and for RUN, COPY, ADD
 * and WORKDIR a step that makes a layer. Nothing is run and no file is read here: BuildKit reads a whole Dockerfile so before
 * the first step starts.
 */

import { DockerfileError, type Instruction, type Keyword } from "../../../dockerfile/instruction.ts";
import { convertCopy } from "./copy-instruction.ts";
import { convertHealthcheck } from "./healthcheck.ts";
import {
  convertCmd,
  convertEntrypoint,
  convertExpose,
  convertMaintainer,
  convertOnbuild,
  convertShell,
  convertStopSignal,
  convertUser,
  convertVolume,
} from "./metadata.ts";
import { convertRun } from "./run-instruction.ts";
import type { Conversion, StageState } from "./stage-state.ts";
import { convertArg, convertEnv, convertLabel } from "./variables.ts";
import { convertWorkdir } from "./workdir.ts";

type Convert = (state: StageState, instruction: Instruction) => Conversion;

const CONVERSIONS: Readonly<Record<Exclude<Keyword, "FROM">, Convert>> = {
  ...{ ADD: convertCopy, COPY: convertCopy, RUN: convertRun, WORKDIR: convertWorkdir },
  ...{ ARG: convertArg, ENV: convertEnv, LABEL: convertLabel },
  ...{ CMD: convertCmd, ENTRYPOINT: convertEntrypoint, SHELL: convertShell, HEALTHCHECK: convertHealthcheck },
  ...{ EXPOSE: convertExpose, VOLUME: convertVolume, USER: convertUser, STOPSIGNAL: convertStopSignal },
  ...{ MAINTAINER: convertMaintainer, ONBUILD: convertOnbuild },
};

export function convert(state: StageState, instruction: Instruction): Conversion {
  if (instruction.keyword === "FROM") throw new DockerfileError("FROM isn't allowed here", instruction);
  return CONVERSIONS[instruction.keyword](state, instruction);
}

/** Whether an instruction counts in `[2/5]`. */
export const isStep = ({ keyword }: Instruction): boolean =>
  keyword === "RUN" || keyword === "COPY" || keyword === "ADD" || keyword === "WORKDIR";
