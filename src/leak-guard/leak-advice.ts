/** What a leak means and how it is mended: texts for people, by place, form and kind of secret. */
import type { Leak, LeakForm, LeakPlace } from "../build/run/events.ts";
import type { SecretOrigin } from "./given-secret.ts";

type Advice = Pick<Leak, "message" | "why" | "fix">;

export function adviceOn(about: {
  readonly title: string;
  readonly origin: SecretOrigin;
  readonly variable: string | undefined;
  readonly place: LeakPlace;
  readonly form: LeakForm;
  readonly isWrapped: boolean;
}): Advice {
  const { title, origin, place, form, isWrapped } = about;
  const written = `${formWords(form)}${isWrapped ? ", over several lines" : ""}`;
  return {
    message: `${title} is in ${placeWords(place)}${written === "" ? "" : ` (${written.replace(/^, /, "")})`}`,
    why: whyOf(place, form),
    fix: [...fixesOf(about), rotation(origin)],
  };
}

/** In a sentence; plain bytes need no word. */
function formWords(form: LeakForm): string {
  switch (form) {
    case "raw":
      return "";
    case "base64":
    case "base64url":
    case "url-encoded":
    case "json-escaped":
    case "xml-escaped":
    case "shell-quoted":
    case "hex":
    case "utf-16":
      return `, ${form}`;
  }
}

const lineWords = (line: number | undefined): string => (line === undefined ? "" : `, line ${line}`);

function placeWords(place: LeakPlace): string {
  switch (place.kind) {
    case "log":
      return `the log, line ${place.line}`;
    case "artifact": {
      const of = place.artifact === undefined ? "" : ` of the secondary artifact \`${place.artifact}\``;
      return `the artifact \`${place.path}\`${of}${lineWords(place.line)}`;
    }
    case "report":
      return `the report \`${place.group}\`, file \`${place.path}\`${lineWords(place.line)}`;
    case "cache":
      return `the cache${place.key === undefined ? "" : ` \`${place.key}\``}, file \`${place.path}\`${lineWords(place.line)}`;
    case "exported-variable":
      return `the exported variable \`${place.name}\``;
    case "image":
      return `the image \`${place.reference}\`, ${imageWords(place)}`;
  }
}

function imageWords(place: Extract<LeakPlace, { kind: "image" }>): string {
  switch (place.part) {
    case "manifest":
      return "in its manifest";
    case "config":
      return `in its settings, \`${place.member ?? "config"}\``;
    case "history":
      return `in its history, \`${place.instruction ?? ""}\``;
    case "layer": {
      const by = place.instruction === undefined ? "" : `, made by \`${place.instruction}\``;
      const gone = place.isDeletedLater ? " (a later layer removes the file)" : "";
      return `layer ${shortDigest(place.layer ?? "")}, file \`${place.path ?? ""}\`${lineWords(place.line)}${gone}${by}`;
    }
  }
}

const shortDigest = (digest: string): string => digest.slice(0, "sha256:".length + 12);

function whyOf(place: LeakPlace, form: LeakForm): string {
  switch (place.kind) {
    case "log":
      return form === "raw"
        ? "whoever may read the log reads it; CodeBuild hides the values of the build's parameter-store and secrets-manager variables, and no other"
        : `CodeBuild hides the exact value only, not its ${form} form: whoever may read the log can turn it back`;
    case "artifact":
      return "CodeBuild uploads artifacts as they are: whoever may read the bucket, or what is deployed from it, has the value";
    case "report":
      return "CodeBuild stores test cases and raw report files as they are: whoever may see the report has the value";
    case "cache":
      return "the cache is unpacked into later builds of the project, whatever they build, and kept in the bucket as it is";
    case "exported-variable":
      return "exported variables are shown by BatchGetBuilds and handed to the next actions of a pipeline";
    case "image":
      if (place.part === "layer") {
        return place.isDeletedLater
          ? "a layer keeps what a later one removes: `docker save` shows it to whoever may pull the image"
          : "whoever may pull the image can read the file";
      }
      return "`docker inspect` and `docker history` show it to whoever may pull the image";
  }
}

function fixesOf({ variable, place, form }: Parameters<typeof adviceOn>[0]): string[] {
  const name = variable ?? "SECRET";
  switch (place.kind) {
    case "log":
      return form === "raw"
        ? [
            "read the value through `env.parameter-store` or `env.secrets-manager`, or do not print it: `set +x`, `> /dev/null`",
          ]
        : [
            `do not print what is made of \`$${name}\`: pipe it into the command that needs it, and keep \`set -x\` off`,
          ];
    case "artifact":
      return [
        `leave the file out: name fewer \`artifacts.files\`, or list it under \`artifacts.exclude-paths\``,
        "let what is deployed read the value from its store when it runs",
      ];
    case "report":
      return ["do not print the value in tests: name the variable in messages, and leave environments out of reports"];
    case "cache":
      return ["cache what the tool downloads, not its settings: leave the file out of `cache.paths`"];
    case "exported-variable":
      return [
        `take \`${place.name}\` out of \`env.exported-variables\`, and have later actions read the store themselves`,
      ];
    case "image":
      return imageFixes(place, name);
  }
}

function imageFixes(place: Extract<LeakPlace, { kind: "image" }>, name: string): string[] {
  const mount = `\`docker build --secret id=${name.toLowerCase()},env=${name}\` and \`RUN --mount=type=secret,id=${name.toLowerCase()} …\` instead of \`ARG\` and \`--build-arg\``;
  switch (place.part) {
    case "manifest":
      return ["take the value out of the annotations"];
    case "history":
      return [mount];
    case "config":
      return place.member?.startsWith("Env ")
        ? [
            "give the container its environment when it starts, from its store; `ENV` in a Dockerfile is part of the image",
            mount,
          ]
        : ["take the value out of the Dockerfile's settings: give it to the container when it starts"];
    case "layer":
      if (/(^|\/)\.docker\/config\.json$/.test(place.path ?? "")) {
        return ["log in outside of the image: `docker login --password-stdin` in the buildspec, never in a `RUN`"];
      }
      return place.instruction !== undefined && /^(COPY|ADD)\b/.test(place.instruction)
        ? ["keep the file out of the image: list it in `.dockerignore`, or copy fewer files", mount]
        : [mount];
  }
}

function rotation(origin: SecretOrigin): string {
  switch (origin.kind) {
    case "credentials":
      return "the credentials end with the session; revoke the role's sessions if others could have seen them";
    case "registry-password":
      return "the password ends after twelve hours";
    case "unknown":
      return "if it is real, change it: it must count as known";
    case "credentials-token":
      return "the token is worthless once the build is over";
    default:
      return "change the secret: it must count as known";
  }
}
